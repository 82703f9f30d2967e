// SPDX-License-Identifier: MIT
//
// act_state: SUSPEND and RESUME TENANT are in force here at once, by the gate; where there is a
// registry they are kept there too, and so are in force on every other fahrend, and after a
// restart. Once the registry has it the gate here is not needed: who resumes elsewhere resumes
// here. The registry out of reach is told as a notice: here the command was done.
#include "admin/act.h"

#include "admin/console.h"
#include "admin/record.h"
#include "admin/scope.h"
#include "admin/tenant_job.h"

static const struct tenant *find_tenant(struct console *c, const char *name,
                                        struct tenant_from_template *storage)
{
    return registry_find_or_template(realm_registry(admin_realm(c->admin)), slice_str(name),
                                     storage);
}

bool act_is_suspended(struct console *c, const struct question *q)
{
    struct tenant_from_template storage;
    const struct tenant *tenant = find_tenant(c, q->name, &storage);

    return tenant != NULL && tenant->state == TENANT_SUSPENDED;
}

static enum gather_step open_gate(struct proxy *proxy, const struct question *q,
                                  struct gather_part *part)
{
    (void)part;
    scope_open(proxy, q, GATE_SUSPENDED);
    return GATHER_DONE;
}

static void on_open(struct console *c, const struct gather *answers)
{
    (void)answers;
    console_done(c, c->command.kind->value);
}

static void on_kept(void *data, const struct tenant_outcome *outcome)
{
    struct console *c = data;
    struct question q = {.scope = GATHER_TENANT};

    console_end_job(c);
    if (outcome->report.err.code != 0) {
        console_notice(c, "in force here, but not kept in the registry: %s",
                       outcome->report.err.text);
        console_done(c, c->command.kind->value);
        return;
    }
    record_name(q.name, c->command.name);
    scope_note_open(&c->admin->gates, &q, GATE_SUSPENDED);
    console_gather(c, &q, open_gate, on_open);
}

void act_keep_state(struct console *c, enum tenant_state state)
{
    struct tenant_from_template storage;
    const struct tenant *tenant = find_tenant(c, c->command.name, &storage);
    struct err err = {0};

    if (admin_config(c->admin)->tenancy.registry.server == NULL || tenant == NULL ||
        tenant->state == state) {
        console_done(c, c->command.kind->value);
        return;
    }
    struct tenant_job *job = tenant_job_new(c->admin, &c->command, &err);
    if (job != NULL) {
        tenant_job_set_state(job, state);
    }
    act_start_job(c, job, tenant_set_state, on_kept, &err);
}
