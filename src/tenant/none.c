// SPDX-License-Identifier: MIT
//
// No strategy: the tenant is a name for limits and statistics, and shares everything.
#include "tenant/strategy.h"

static int plan_none(const struct tenant *tenant, const struct login *login, struct plan *plan,
                     struct err *err)
{
    int rc = plan_begin(tenant, login, plan, err);

    return rc < 0 ? rc : plan_shared_database(tenant, login, plan, err);
}

static bool reserves_nothing(const struct tenant *tenant, struct slice name)
{
    (void)tenant;
    (void)name;
    return false;
}

const struct strategy_ops strategy_none = {
    .name = "none", .plan = plan_none, .reserves = reserves_nothing};
