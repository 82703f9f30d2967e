// SPDX-License-Identifier: MIT
#include "proxy/seals.h"

#include <stdio.h>

static bool is_sealed(const struct tenant_config *tenant)
{
    return tenant->strategy == STRATEGY_RLS && tenant->rls.seal;
}

void seals_adopt(struct lane *lane, const struct realm *realm, const struct tenant_config *tenant)
{
    char setting[NAME_SIZE + 8] = "";
    bool sealed = is_sealed(tenant) && lane->pool->replication == NULL; /* it runs no SQL of ours */
    const char *key = sealed ? realm_secret(realm, &tenant->rls.key) : NULL;

    if (key != NULL) {
        (void)snprintf(setting, sizeof setting, "%s_seal", tenant->rls.setting);
    }
    seal_key_set(&lane->seal, setting, key);
    lane->pool->sealed |= key != NULL;
}

static void refresh_lane(struct proxy *proxy, struct lane *lane)
{
    struct tenant_from_template storage;
    const struct tenant *tenant = registry_find_or_template(
        realm_registry(proxy->realm), slice_str(lane->account->name), &storage);

    if (tenant != NULL) {
        seals_adopt(lane, proxy->realm, tenant->config);
    }
}

void seals_refresh(struct proxy *proxy)
{
    struct pool *pool;
    struct pool *next_pool;
    struct lane *lane;
    struct lane *next_lane;

    HASH_ITER (hh, proxy->pools.pools, pool, next_pool) {
        HASH_ITER (hh, pool->lanes, lane, next_lane) {
            refresh_lane(proxy, lane);
        }
    }
}
