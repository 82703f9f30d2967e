// SPDX-License-Identifier: MIT
#include "daemon/supported.h"

struct refusals {
    const struct config *config;
    struct buf *report;
    int count;
};

static void refuse(struct refusals *r, const char *map, const char *name, const char *key,
                   const char *why)
{
    buf_printf(r->report, "%s: %s%s%s: %s\n", r->config->file, map, name, key, why);
    r->count++;
}

static void check_tenant(struct refusals *r, const struct tenant_config *tenant)
{
    const char *name = tenant->name == NULL ? "defaults" : tenant->name;

    if (tenant->pool.mode == POOL_STATEMENT) {
        refuse(r, "tenants.", name, ".pool.mode", "statement is not supported by this version");
    }
}

int supported_check(const struct config *config, struct buf *report)
{
    struct refusals r = {.config = config, .report = report};

    check_tenant(&r, &config->defaults);
    for (size_t i = 0; i < config->tenant_count; i++) {
        check_tenant(&r, &config->tenants[i]);
    }
    return r.count;
}
