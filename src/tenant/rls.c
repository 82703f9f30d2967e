// SPDX-License-Identifier: MIT
//
// The rls strategy: all tenants in the same tables, kept apart by row security that asks the
// setting rls.setting, and, where sealed, the seal beside it.
#include "tenant/strategy.h"

static int plan_rls(const struct tenant *tenant, const struct login *login, struct plan *plan,
                    struct err *err)
{
    int rc = plan_begin(tenant, login, plan, err);

    if (rc == 0) {
        rc = plan_shared_database(tenant, login, plan, err);
    }
    if (rc == 0) {
        rc = plan_add(plan, tenant->config->rls.setting, tenant->name, err);
    }
    plan->sealed = tenant->config->rls.seal;
    return rc;
}

/* The setting itself and <setting>_seal, whether or not it is in use. */
static bool reserves_rls(const struct tenant *tenant, struct slice name)
{
    struct slice setting = slice_str(tenant->config->rls.setting);
    struct slice behind = slice_from(name, setting.n);

    return setting_name_eq(slice_head(name, setting.n), setting) &&
           (behind.n == 0 || setting_name_eq(behind, slice_str("_seal")));
}

const struct strategy_ops strategy_rls = {
    .name = "rls", .plan = plan_rls, .reserves = reserves_rls};
