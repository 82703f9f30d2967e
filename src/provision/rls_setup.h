// SPDX-License-Identifier: MIT
//
// rls_setup: SETUP RLS: row security for the tables of one database, in one transaction, and what
// is still open afterwards. Blocks. The request is read only; the outcome is the caller's.
#ifndef PROVISION_RLS_SETUP_H
#define PROVISION_RLS_SETUP_H

#include "provision/pgexec.h"
#include "provision/rls_sql.h"
#include "secret/secrets.h"

struct rls_request {
    struct pgexec_target target; /* a role that owns the tables, or a superuser */
    struct rls_options options;
    const char *const *tables; /* as SQL names them; none: all that have the column */
    size_t table_count;
    const char *role; /* that tenants share, or NULL */
    bool dry;         /* say what would be run, and roll back */
    bool only_new; /* leave what was set up before: the functions and keys, tables with policies */
};

enum rls_finding_kind { RLS_STATEMENT, RLS_WARNING };

/* One row for people. */
struct rls_finding {
    enum rls_finding_kind kind;
    char *object;
    char *text;
};

struct rls_outcome {
    struct err err; /* code 0: done */
    struct rls_finding *findings;
    size_t count;
};

/* What the configuration of a tenant says, for the tables of its database, by this login. Points
 * into what was given. */
void rls_request_init(struct rls_request *request, const struct pgexec_target *target,
                      const char *database, const struct tenant_config *tenant,
                      const struct secrets *secrets);

void rls_setup(const struct rls_request *request, struct rls_outcome *outcome);
void rls_outcome_fini(struct rls_outcome *outcome);

#endif
