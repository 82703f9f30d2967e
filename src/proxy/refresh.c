// SPDX-License-Identifier: MIT
#include "proxy/refresh.h"

#include "pool/supply.h"
#include "proxy/client_login.h"
#include "proxy/frontend.h"
#include "proxy/reception.h"
#include "proxy/relocate.h"

enum { CLOSES_MAX = 200 }; /* clients closed, or moved, in one turn */

/* Why nobody of the tenant may stay; false where all may. */
static bool must_leave(const struct tenant *tenant, struct slice name, struct err *err)
{
    if (tenant == NULL) {
        (void)err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%.*s\" does not exist", (int)name.n,
                      (const char *)name.p);
        return true;
    }
    return tenant_admit(tenant, err) < 0;
}

/* Its role has another password: connections that were made with the old one end as they come
 * free. */
static void renew_secrets(const struct tenant *tenant, struct account *account)
{
    uint32_t epoch = (uint32_t)tenant->config->password_epoch;

    list_each_safe (node, next, &account->own_pools) {
        struct pool *pool = container_of(node, struct pool, own_node);
        if (pool->epoch != epoch) {
            pool->epoch = epoch;
            supply_renew_secret(pool);
        }
    }
}

/* Closing one may serve another that waits, and end it; so the head is looked at anew each time. */
static bool close_clients(struct account *account, const struct err *err)
{
    struct list *node;

    for (int i = 0; (node = list_head(&account->clients_list)) != NULL; i++) {
        if (i == CLOSES_MAX) {
            return false;
        }
        frontend_close(container_of(node, struct frontend, account_node), err);
    }
    return true;
}

/* Those that have a server connection follow when they let go of it. */
static bool relocate_clients(struct account *account)
{
    int moved = 0;

    list_each_safe (node, tmp, &account->clients_list) {
        struct frontend *f = container_of(node, struct frontend, account_node);
        if (!relocate_due(f)) {
            continue;
        }
        if (moved++ == CLOSES_MAX) {
            return false;
        }
        relocate(f);
    }
    return true;
}

bool refresh_tenant(struct proxy *proxy, struct slice name)
{
    struct tenant_from_template storage;
    struct account *account;
    struct err err;

    HASH_FIND(hh, proxy->pools.accounts, name.p, name.n, account);
    if (account == NULL) {
        return true;
    }
    const struct tenant *tenant =
        registry_find_or_template(realm_registry(proxy->realm), name, &storage);
    if (must_leave(tenant, name, &err)) {
        return close_clients(account, &err);
    }
    renew_secrets(tenant, account);
    if (account->change < tenant->change) {
        account->change = tenant->change;
    }
    return relocate_clients(account);
}

void refresh_expecting(struct proxy *proxy, const char *tenant, const struct err *err)
{
    struct list them;
    struct list *node;

    list_init(&them);
    list_each_safe (at, tmp, &proxy->expecting) {
        struct frontend *f = container_of(at, struct frontend, login_node);
        if (strcmp(client_login_identity(f->login)->tenant, tenant) == 0) {
            list_remove(at);
            list_push_tail(&them, at);
        }
    }
    while ((node = list_pop_head(&them)) != NULL) {
        struct frontend *f = container_of(node, struct frontend, login_node);
        if (err != NULL) {
            frontend_close(f, err);
        } else {
            reception_retry(f);
        }
    }
}
