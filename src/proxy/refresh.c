// SPDX-License-Identifier: MIT
#include "proxy/refresh.h"

#include "proxy/client_login.h"
#include "proxy/frontend.h"
#include "proxy/reception.h"

enum { CLOSES_MAX = 200 }; /* clients closed in one turn */

/* Why nobody of the tenant may stay; false where all may. */
static bool must_leave(const struct proxy *proxy, struct slice name, struct err *err)
{
    struct tenant_from_template storage;
    const struct tenant *tenant =
        registry_find_or_template(realm_registry(proxy->realm), name, &storage);

    if (tenant == NULL) {
        (void)err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%.*s\" does not exist", (int)name.n,
                      (const char *)name.p);
        return true;
    }
    return tenant_admit(tenant, err) < 0;
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

bool refresh_tenant(struct proxy *proxy, struct slice name)
{
    struct account *account;
    struct err err;

    HASH_FIND(hh, proxy->pools.accounts, name.p, name.n, account);
    if (account == NULL || !must_leave(proxy, name, &err)) {
        return true;
    }
    return close_clients(account, &err);
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
