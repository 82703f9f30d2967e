// SPDX-License-Identifier: MIT
//
// The schema strategy: each tenant has its tables in a schema of its own, found by search_path, in
// a database that all share.
#include "tenant/strategy.h"

#include "tenant/search_path.h"

static int expand_search_path(const struct tenant *tenant, const struct login *login,
                              struct plan *plan, struct err *err)
{
    const struct tenant_config *config = tenant->config;
    struct name_values values = {.tenant = slice_str(tenant->name), .user = login->user};
    char schema[NAME_SIZE];
    char role[NAME_SIZE];

    int rc = name_expand(slice_str(config->schema.name), &values, schema, err);
    if (rc < 0) {
        return rc;
    }
    values.schema = slice_str(schema);
    if (strstr(config->schema.search_path, "{role}") != NULL) {
        rc = name_expand(slice_str(config->role), &values, role, err);
        if (rc < 0) {
            return rc;
        }
        values.role = slice_str(role);
    }
    return search_path_expand(config->schema.search_path, &values, plan->search_path,
                              sizeof plan->search_path, err);
}

static int plan_schema(const struct tenant *tenant, const struct login *login, struct plan *plan,
                       struct err *err)
{
    int rc = plan_begin(tenant, login, plan, err);

    if (rc == 0) {
        rc = plan_shared_database(tenant, login, plan, err);
    }
    if (rc == 0) {
        rc = expand_search_path(tenant, login, plan, err);
    }
    return rc < 0 ? rc : plan_add(plan, "search_path", plan->search_path, err);
}

static bool reserves_schema(const struct tenant *tenant, struct slice name)
{
    (void)tenant; /* the same for all */
    return setting_name_eq(name, slice_str("search_path"));
}

const struct strategy_ops strategy_schema = {
    .name = "schema", .plan = plan_schema, .reserves = reserves_schema};
