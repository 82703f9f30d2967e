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

    memcpy(q.name, c->command.name, sizeof q.name);
    if (act_take_report(c, &outcome->report)) {
        console_gather(c, &q, renew_secrets, on_renewed);
    }
}

void act_rotate_password(struct console *c, const struct command *command)
{
    struct err err = {0};

    act_start_job(c, tenant_job_new(c->admin, command, &err), tenant_rotate, on_rotated, &err);
}
