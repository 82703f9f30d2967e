// SPDX-License-Identifier: MIT
//
// tenant_work: CREATE, ALTER and DROP TENANT as far as they are work in PostgreSQL. Blocks: for
// libuv's thread pool. A piece of work holds a lock of the tenant's name while it runs, so that of
// two at once one fails; it goes in steps that are safe to repeat, so that after a crash the same
// command finishes it. The row of the registry says meanwhile that the tenant is being made or
// removed; objects on the server say by their comments whose they are.
//
// A request is read only and points to what its owner keeps; it stays on one thread at a time.
#ifndef PROVISION_TENANT_WORK_H
#define PROVISION_TENANT_WORK_H

#include "provision/report.h"
#include "provision/server_target.h"
#include "provision/tenant_spec.h"
#include "tenant/roster.h"

struct workplace;

struct tenant_request {
    const struct secrets *secrets;
    struct tenant_spec spec;
    struct server_target admin;    /* of the tenant's server; hosts NULL: nothing is made there */
    struct server_target registry; /* hosts NULL: there is none */
    const char *options;           /* as given by the command: JSON */
    bool known;                    /* a tenant of this name is in force */
    bool in_file;                  /* the configuration names the tenant: the row has its state */
    enum tenant_state state;       /* for tenant_set_state */
    bool dry;
    bool cascade;
};

struct tenant_outcome {
    struct report report;
    bool has_record;
    struct roster_record record; /* what the registry's row is now */
    enum tenant_state former;    /* DROP: what its state was */
    struct workplace *held;      /* DROP: the connections between its two parts */
};

/* CREATE TENANT. */
void tenant_make(const struct tenant_request *request, struct tenant_outcome *outcome);

/* ALTER TENANT: lays the options over those of the row. */
void tenant_alter(const struct tenant_request *request, struct tenant_outcome *outcome);

/* ALTER TENANT … ROTATE PASSWORD: of the tenant's role, on the server and in the store. */
void tenant_rotate(const struct tenant_request *request, struct tenant_outcome *outcome);

/* Gives the row a state; one that knows nothing else where there is none yet. */
void tenant_set_state(const struct tenant_request *request, struct tenant_outcome *outcome);

/* DROP TENANT: after the first part, which fails where the tenant may not go, nobody new comes in;
 * whoever runs this closes its clients, and then calls the second part. */
void tenant_drop_begin(const struct tenant_request *request, struct tenant_outcome *outcome);
void tenant_drop_finish(const struct tenant_request *request, struct tenant_outcome *outcome);

void tenant_outcome_fini(struct tenant_outcome *outcome);

#endif
