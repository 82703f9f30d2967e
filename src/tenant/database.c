// SPDX-License-Identifier: MIT
//
// The database strategy: each tenant has a database of its own. Its pool is dedicated whoever logs
// in.
#include "tenant/strategy.h"

static int plan_database(const struct tenant *tenant, const struct login *login, struct plan *plan,
                         struct err *err)
{
    struct name_values values = {.tenant = slice_str(tenant->name), .user = login->user};
    int rc = plan_begin(tenant, login, plan, err);

    plan->dedicated = true;
    return rc < 0 ? rc
                  : name_expand(slice_str(tenant->config->dedicated.name), &values, plan->database,
                                err);
}

static bool reserves_nothing(const struct tenant *tenant, struct slice name)
{
    (void)tenant;
    (void)name;
    return false;
}

const struct strategy_ops strategy_database = {
    .name = "database", .plan = plan_database, .reserves = reserves_nothing};
