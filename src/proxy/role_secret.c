// SPDX-License-Identifier: MIT
#include "proxy/role_secret.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"
#include "secret/store_cache.h"

#define RUNNING_MAX 2 /* threads that one proxy takes for this */

/* One who wants it. */
struct role_secret {
    struct list node; /* in the fetch's waiters */
    role_secret_cb cb;
    void *data;
};

struct secret_fetch {
    UT_hash_handle hh; /* by key, in role_secrets.fetches */
    char *key;
    struct role_secrets *owner;
    struct loop *loop;
    struct list node; /* in owner.waiting while it has no thread */
    struct list waiters;
    uv_work_t work;
    struct secret_order order; /* with a reference to the realm */
    char *secret;
    struct err err;
};

void role_secrets_init(struct role_secrets *secrets)
{
    *secrets = (struct role_secrets){0};
    list_init(&secrets->waiting);
}

static void fetch_in_pool(uv_work_t *work)
{
    struct secret_fetch *fetch = container_of(work, struct secret_fetch, work);
    const struct secret_order *order = &fetch->order;
    const struct secrets *secrets = realm_secrets(order->realm);
    const struct config *config = realm_config(order->realm);
    const struct store_key key = {.id = order->role.role, .epoch = order->role.epoch};

    if (order->role.role[0] == '\0') {
        (void)secrets_fetch(secrets, order->ref, &fetch->secret, &fetch->err);
    } else if (config->secrets.store != NULL) {
        (void)store_cache_read(secrets, config_provider(config, config->secrets.store), &key,
                               order->fresh, &fetch->secret, &fetch->err);
    }
}

/* It is in no table any more. */
static void free_fetch(struct secret_fetch *fetch)
{
    secure_free(fetch->secret);
    realm_unref(fetch->order.realm);
    free(fetch->key);
    free(fetch);
}

void role_secrets_close(struct role_secrets *secrets)
{
    while (!list_empty(&secrets->waiting)) {
        struct secret_fetch *fetch =
            container_of(list_head(&secrets->waiting), struct secret_fetch, node);
        assert(list_empty(&fetch->waiters));
        list_remove(&fetch->node);
        HASH_DEL(secrets->fetches, fetch);
        free_fetch(fetch);
    }
}

static void on_fetched(uv_work_t *work, int status);

/* Gives threads to those that wait for one. */
static void run_next(struct role_secrets *secrets)
{
    while (secrets->running < RUNNING_MAX && !list_empty(&secrets->waiting)) {
        struct secret_fetch *fetch =
            container_of(list_head(&secrets->waiting), struct secret_fetch, node);
        list_remove(&fetch->node);
        secrets->running++;
        int rc = uv_queue_work(&fetch->loop->uv, &fetch->work, fetch_in_pool, on_fetched);
        assert(rc == 0); /* it fails for a missing function only */
    }
}

static void on_fetched(uv_work_t *work, int status)
{
    struct secret_fetch *fetch = container_of(work, struct secret_fetch, work);
    struct role_secrets *owner = fetch->owner;
    struct enter_secret found = fetch->order.role;

    (void)status; /* never cancelled */
    owner->running--;
    HASH_DEL(owner->fetches, fetch); /* who comes now comes too late for it */
    found.secret = fetch->secret;
    while (!list_empty(&fetch->waiters)) {
        struct role_secret *waiter =
            container_of(list_head(&fetch->waiters), struct role_secret, node);
        list_remove(&waiter->node);
        waiter->cb(waiter->data, &found, fetch->err.code != 0 ? &fetch->err : NULL);
        free(waiter);
    }
    free_fetch(fetch);
    run_next(owner);
}

static struct secret_fetch *find_fetch(struct role_secrets *secrets, struct loop *loop,
                                       const struct secret_order *order)
{
    char *key = x_printf("%p %p %d %u %s", (const void *)order->realm, (const void *)order->ref,
                         (int)order->fresh, order->role.epoch, order->role.role);
    struct secret_fetch *fetch;

    HASH_FIND_STR(secrets->fetches, key, fetch);
    if (fetch != NULL) {
        free(key);
        return fetch;
    }
    fetch = x_zalloc(sizeof *fetch);
    fetch->key = key;
    fetch->owner = secrets;
    fetch->loop = loop;
    fetch->order = *order;
    fetch->order.realm = realm_ref(order->realm);
    list_init(&fetch->waiters);
    HASH_ADD_KEYPTR(hh, secrets->fetches, fetch->key, strlen(fetch->key), fetch);
    list_push_tail(&secrets->waiting, &fetch->node);
    return fetch;
}

struct role_secret *role_secret_fetch(struct role_secrets *secrets, struct loop *loop,
                                      const struct secret_order *order, role_secret_cb cb,
                                      void *data)
{
    struct role_secret *waiter = x_zalloc(sizeof *waiter);
    struct secret_fetch *fetch = find_fetch(secrets, loop, order);

    waiter->cb = cb;
    waiter->data = data;
    list_push_tail(&fetch->waiters, &waiter->node);
    run_next(secrets);
    return waiter;
}

void role_secret_cancel(struct role_secret *waiter)
{
    list_remove(&waiter->node);
    free(waiter);
}
