// SPDX-License-Identifier: MIT
//
// strategy: how a tenant is kept apart from the others. A strategy is a pure function, asked once
// per client login: a tenant and a login give a plan. Each stands in a file of its own (rls.c,
// schema.c, database.c, none.c) and is reached by the table in strategy.c only.
#ifndef TENANT_STRATEGY_H
#define TENANT_STRATEGY_H

#include "tenant/plan.h"

struct strategy_ops {
    const char *name; /* as it is configured */

    /* Fills the whole plan, or fails as the helpers of plan.h do. */
    int (*plan)(const struct tenant *tenant, const struct login *login, struct plan *plan,
                struct err *err);

    /* Is this setting the strategy's own for this tenant, so that no client may ask for it? */
    bool (*reserves)(const struct tenant *tenant, struct slice setting_name);
};

extern const struct strategy_ops strategy_rls;
extern const struct strategy_ops strategy_schema;
extern const struct strategy_ops strategy_database;
extern const struct strategy_ops strategy_none;

const struct strategy_ops *strategy_of(enum strategy_kind kind);

/* The plan of the tenant's strategy; errors are wrapped with the tenant's name. */
int strategy_plan(const struct tenant *tenant, const struct login *login, struct plan *plan,
                  struct err *err);

/* What the tenant's strategy reserves, and what every strategy does: role and
 * session_authorization. */
bool strategy_reserves(const struct tenant *tenant, struct slice setting_name);

#endif
