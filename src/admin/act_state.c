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
#include "base/alloc.h"
#include "base/log.h"

static const struct tenant *find_tenant(struct admin *admin, const char *name,
                                        struct tenant_from_template *storage)
{
    return registry_find_or_template(realm_registry(admin_realm(admin)), slice_str(name), storage);
}

bool act_is_suspended(struct console *c, const struct question *q)
{
    struct tenant_from_template storage;
    const struct tenant *tenant = find_tenant(c->admin, q->name, &storage);

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

/* Is there a registry that says otherwise? */
static bool must_keep(struct admin *admin, const char *name, enum tenant_state state)
{
    struct tenant_from_template storage;
    const struct tenant *tenant = find_tenant(admin, name, &storage);

    return admin_config(admin)->tenancy.registry.server != NULL && tenant != NULL &&
           tenant->state != state;
}

void act_keep_state(struct console *c, enum tenant_state state)
{
    struct err err = {0};

    if (!must_keep(c->admin, c->command.name, state)) {
        console_done(c, c->command.kind->value);
        return;
    }
    struct tenant_job *job = tenant_job_new(c->admin, &c->command, &err);
    if (job != NULL) {
        tenant_job_set_state(job, state);
    }
    act_start_job(c, job, tenant_set_state, on_kept, &err);
}

/* ---- without a console ---- */

struct suspension {
    struct admin *admin;
    struct question q; /* names the tenant */
};

static void on_suspension_kept(void *data, const struct tenant_outcome *outcome)
{
    struct suspension *s = data;
    const struct err *err = &outcome->report.err;

    if (err->code != 0) {
        struct log_origin origin = {.tenant = s->q.name};
        log_about(LOG_WARNING, &origin,
                  "suspended here, but not kept in the registry reason=\"%s\"", err->text);
    } else if (!s->admin->closing) {
        scope_note_open(&s->admin->gates, &s->q, GATE_SUSPENDED);
        (void)gather_start(s->admin, &s->q, open_gate, NULL, NULL);
    }
    free(s);
}

static int start_keeping(struct suspension *s, struct err *err)
{
    struct command command;

    command_for_tenant(&command, "suspend tenant", s->q.name);
    struct tenant_job *job = tenant_job_new(s->admin, &command, err);
    if (job == NULL) {
        return err->code;
    }
    tenant_job_set_state(job, TENANT_SUSPENDED);
    return tenant_job_start(job, tenant_set_state, on_suspension_kept, s, err);
}

static void keep_suspension(struct admin *admin, const struct question *q)
{
    struct suspension *s = x_zalloc(sizeof *s);
    struct tenant_outcome failed = {0};

    *s = (struct suspension){.admin = admin, .q = *q};
    if (start_keeping(s, &failed.report.err) < 0) {
        on_suspension_kept(s, &failed);
    }
}

void admin_suspend_tenant(struct admin *admin, const char *tenant)
{
    struct question q = {.scope = GATHER_TENANT};

    record_name(q.name, tenant);
    if (admin->closing || (scope_flags(&admin->gates, &q) & GATE_SUSPENDED) != 0) {
        return;
    }
    scope_note_shut(&admin->gates, &q, GATE_SUSPENDED);
    (void)gather_start(admin, &q, act_close_tenant, NULL, NULL);
    if (must_keep(admin, tenant, TENANT_SUSPENDED)) {
        keep_suspension(admin, &q);
    }
}
