// SPDX-License-Identifier: MIT
#include "proxy/passwords.h"

#include "tenant/strategy.h"

/* The secret of a pool that this tenant's clients use, where the configuration has one for it. */
static const char *password_of(const struct realm *realm, const struct pool *pool,
                               const struct tenant *tenant)
{
    struct login login = {.user = slice_str(pool->role), .database = slice_str(pool->database)};
    struct plan plan;
    struct err err;

    if (strategy_plan(tenant, &login, &plan, &err) < 0 || strcmp(plan.role, pool->role) != 0) {
        return NULL;
    }
    const struct realm_user *user = realm_user(realm, login.user);
    switch (plan.credential) {
    case CREDENTIAL_FIXED:
        return plan.password == NULL ? NULL : realm_secret(realm, plan.password);
    case CREDENTIAL_CLIENT:
        return user == NULL ? NULL : user->secret;
    case CREDENTIAL_TENANT: /* the store is asked when a client enters */
        break;
    }
    return NULL;
}

static void refresh_pool(struct proxy *proxy, struct pool *pool, const struct lane *lane)
{
    struct tenant_from_template storage;
    const struct tenant *tenant = registry_find_or_template(
        realm_registry(proxy->realm), slice_str(lane->account->name), &storage);
    const char *secret = tenant == NULL ? NULL : password_of(proxy->realm, pool, tenant);

    if (secret != NULL) {
        credential_set_secret(&pool->credential, secret);
    }
}

void passwords_refresh(struct proxy *proxy)
{
    struct pool *pool;
    struct pool *next;

    HASH_ITER (hh, proxy->pools.pools, pool, next) {
        if (pool->lanes != NULL) { /* those that share a pool log in alike */
            refresh_pool(proxy, pool, pool->lanes);
        }
    }
}
