// SPDX-License-Identifier: MIT
#include "pool/levels.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"

struct own_level {
    UT_hash_handle hh;
    char *name;
    uint8_t level; /* not LOG_AS_CONFIGURED */
};

static struct own_level *find(const struct levels *levels, struct slice tenant)
{
    struct own_level *own;

    HASH_FIND(hh, levels->tenants, tenant.p, tenant.n, own);
    return own;
}

uint8_t levels_get(const struct levels *levels, struct slice tenant)
{
    const struct own_level *own = find(levels, tenant);

    return own == NULL ? (uint8_t)LOG_AS_CONFIGURED : own->level;
}

static void forget(struct levels *levels, struct own_level *own)
{
    HASH_DEL(levels->tenants, own);
    free(own->name);
    free(own);
}

void levels_set(struct levels *levels, struct slice tenant, uint8_t level)
{
    struct own_level *own = find(levels, tenant);

    if (level == LOG_AS_CONFIGURED) {
        if (own != NULL) {
            forget(levels, own);
        }
        return;
    }
    if (own == NULL) {
        own = x_zalloc(sizeof *own);
        own->name = x_strndup(tenant);
        HASH_ADD_KEYPTR(hh, levels->tenants, own->name, tenant.n, own);
    }
    own->level = level;
}

void levels_fini(struct levels *levels)
{
    while (levels->tenants != NULL) {
        forget(levels, levels->tenants);
    }
}

const char *levels_word(uint8_t level)
{
    return level == LOG_AS_CONFIGURED ? "" : log_level_word((enum log_level)(level - 1));
}
