// SPDX-License-Identifier: MIT
#include "tenant/strategy.h"

static const struct strategy_ops *const strategies[] = {
    [STRATEGY_RLS] = &strategy_rls,
    [STRATEGY_SCHEMA] = &strategy_schema,
    [STRATEGY_DATABASE] = &strategy_database,
    [STRATEGY_NONE] = &strategy_none,
};

const struct strategy_ops *strategy_of(enum strategy_kind kind)
{
    return strategies[kind];
}

int strategy_plan(const struct tenant *tenant, const struct login *login, struct plan *plan,
                  struct err *err)
{
    int rc = strategy_of(tenant->config->strategy)->plan(tenant, login, plan, err);

    if (rc < 0) {
        err_wrap(err, "tenant %s", tenant->name);
    }
    return rc;
}

bool strategy_reserves(const struct tenant *tenant, struct slice setting_name)
{
    return setting_name_eq(setting_name, slice_str("role")) ||
           setting_name_eq(setting_name, slice_str("session_authorization")) ||
           strategy_of(tenant->config->strategy)->reserves(tenant, setting_name);
}
