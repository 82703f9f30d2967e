// SPDX-License-Identifier: MIT
#include "proxy/renewal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pool/origin.h"
#include "pool/supply.h"
#include "proxy/role_secret.h"

struct renewal {
    struct list node; /* in proxy.renewals */
    struct proxy *proxy;
    struct role_secret *fetch;
    size_t key_size; /* of the pool, which may go meanwhile */
    char key[];
};

static void free_renewal(struct renewal *renewal)
{
    list_remove(&renewal->node);
    free(renewal);
}

static void on_fetched(void *data, const struct enter_secret *found, const struct err *err)
{
    struct renewal *renewal = data;
    struct pools *pools = &renewal->proxy->pools;
    struct pool *pool;

    HASH_FIND(hh, pools->pools, renewal->key, renewal->key_size, pool);
    if (err != NULL && err->code != ERR_NO_SECRET) {
        struct log_origin origin =
            pool == NULL ? (struct log_origin){.client = 0} : origin_of_pool(pool);
        log_about(LOG_WARNING, &origin, "secret cannot be fetched again reason=\"%s\"", err->text);
    }
    free_renewal(renewal);
    if (pool != NULL) {
        supply_take_secret(pool, err == NULL ? found->secret : NULL);
    }
}

/* The tenant as it is now: its epoch may have been counted up. */
static bool order_role(const struct proxy *proxy, const struct pool *pool,
                       struct secret_order *order)
{
    struct tenant_from_template storage;
    const struct tenant *tenant = registry_find_or_template(realm_registry(proxy->realm),
                                                            slice_str(pool_tenant(pool)), &storage);

    if (tenant == NULL || realm_config(proxy->realm)->secrets.store == NULL) {
        return false;
    }
    (void)snprintf(order->role.role, sizeof order->role.role, "%s", pool->role);
    order->role.epoch = (uint32_t)tenant->config->password_epoch;
    order->turn = pool->turn;
    return true;
}

/* A text cannot have changed. */
static bool order_fixed(const struct proxy *proxy, const struct pool *pool,
                        struct secret_order *order)
{
    const struct config *config = realm_config(proxy->realm);

    if (pool->config != config || pool->secret_index >= config->secret_use_count) {
        return false;
    }
    order->ref = &config->secret_uses[pool->secret_index].ref;
    return order->ref->kind != SECRET_NONE && order->ref->kind != SECRET_TEXT;
}

bool renewal_begin(struct pool *pool)
{
    struct proxy *proxy = pool->owner->data;
    struct secret_order order = {.realm = proxy->realm, .fresh = true};

    if (pool->secret_from == CREDENTIAL_CLIENT ||
        !(pool->secret_from == CREDENTIAL_TENANT ? order_role(proxy, pool, &order)
                                                 : order_fixed(proxy, pool, &order))) {
        return false;
    }
    struct renewal *renewal = x_zalloc(sizeof *renewal + pool->key_size);
    renewal->proxy = proxy;
    renewal->key_size = pool->key_size;
    memcpy(renewal->key, pool->key, pool->key_size);
    list_push_tail(&proxy->renewals, &renewal->node);
    renewal->fetch = role_secret_fetch(&proxy->secrets, proxy->loop, &order, on_fetched, renewal);
    return true;
}

void renewal_cancel_all(struct proxy *proxy)
{
    while (!list_empty(&proxy->renewals)) {
        struct renewal *renewal = container_of(list_head(&proxy->renewals), struct renewal, node);
        role_secret_cancel(renewal->fetch);
        free_renewal(renewal);
    }
}
