// SPDX-License-Identifier: MIT
//
// act_rotate: ALTER TENANT name ROTATE PASSWORD: a job; then every worker fetches the password of
// the tenant's pools anew: connections are made with it, and those made with the old one end as
// they come free.
#include "admin/act.h"

#include "admin/console.h"
#include "admin/scope.h"
#include "admin/tenant_job.h"
#include "pool/supply.h"

static bool renew(struct pool *pool)
{
    if (pool->secret_from == CREDENTIAL_TENANT) {
        supply_renew_secret(pool);
    }
    return true;
}

static enum gather_step renew_secrets(struct proxy *proxy, const struct question *q,
                                      struct gather_part *part)
{
    (void)part;
    (void)scope_each(proxy, q, renew);
    return GATHER_DONE;
}

static void on_renewed(struct console *c, const struct gather *answers)
{
    (void)answers;
    console_done(c, c->command.kind->value);
}

static void on_rotated(void *data, const struct tenant_outcome *outcome)
{
    struct console *c = data;
    struct question q = {.scope = GATHER_TENANT};

    console_end_job(c);
    if (outcome->report.err.code != 0) {
        console_fail(c, &outcome->report.err);
        return;
    }
    memcpy(q.name, c->command.name, sizeof q.name);
    act_add_report(c, &outcome->report);
    console_gather(c, &q, renew_secrets, on_renewed);
}

static void forget(void *job)
{
    tenant_job_forget(job);
}

void act_rotate_password(struct console *c, const struct command *command)
{
    struct err err = {0};
    struct tenant_job *job = tenant_job_new(c->admin, command, &err);

    if (job == NULL || tenant_job_start(job, tenant_rotate, on_rotated, c, &err) < 0) {
        console_fail(c, &err);
        return;
    }
    console_begin_job(c, job, forget);
}
