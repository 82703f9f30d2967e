// SPDX-License-Identifier: MIT
//
// act_pause: PAUSE, SUSPEND and RESUME of everything or a database, PAUSE and RESUME of a tenant,
// DISABLE and ENABLE. PAUSE closes the server connections as they come free and answers when the
// last has gone; SUSPEND and PAUSE TENANT answer when nothing is in use any more. What is undone by
// RESUME before that answers with an error. Whoever asked may leave: what was shut stays shut.
#include "admin/act.h"

#include "admin/console.h"
#include "admin/record.h"
#include "admin/scope.h"

struct outcome {
    bool undone; /* the gate was opened while we waited */
};

/* ---- on the workers ---- */

static bool close_connections(struct pool *pool)
{
    pool_close_connections(pool);
    return true;
}

static bool is_closed(struct pool *pool)
{
    return pool->count == 0;
}

static bool is_at_rest(struct pool *pool)
{
    return pool_at_rest(pool);
}

static bool tenant_at_rest(struct proxy *proxy, const struct question *q)
{
    const struct account *account;

    HASH_FIND_STR(proxy->pools.accounts, q->name, account);
    return account == NULL || account->connections == 0;
}

static bool has_come_about(struct proxy *proxy, const struct question *q)
{
    if ((q->flags & GATE_SUSPENDED) != 0) {
        return scope_each(proxy, q, is_at_rest);
    }
    return scope_each(proxy, q, is_closed) &&
           (q->scope != GATHER_TENANT || tenant_at_rest(proxy, q));
}

static enum gather_step shut_and_wait(struct proxy *proxy, const struct question *q,
                                      struct gather_part *part)
{
    if (part->state == 0) {
        part->state = 1;
        scope_shut(proxy, q, q->flags);
        if ((q->flags & GATE_PAUSED) != 0) {
            (void)scope_each(proxy, q, close_connections);
        }
    }
    bool undone = (scope_flags(&proxy->pools.gates, q) & q->flags) == 0;
    if (!undone && !has_come_about(proxy, q)) {
        return GATHER_WAIT;
    }
    struct outcome *outcome = record_add(&part->answer, sizeof *outcome);
    outcome->undone = undone;
    return GATHER_DONE;
}

static enum gather_step shut_gate(struct proxy *proxy, const struct question *q,
                                  struct gather_part *part)
{
    (void)part;
    scope_shut(proxy, q, q->flags);
    return GATHER_DONE;
}

static enum gather_step open_gate(struct proxy *proxy, const struct question *q,
                                  struct gather_part *part)
{
    (void)part;
    scope_open(proxy, q, q->flags);
    return GATHER_DONE;
}

/* ---- answers ---- */

static void on_shut(struct console *c, const struct gather *answers)
{
    struct record_walk walk = {.answers = answers};
    const struct outcome *outcome;
    bool undone = false;
    struct err err;

    while ((outcome = record_next(&walk, sizeof *outcome)) != NULL) {
        undone = undone || outcome->undone;
    }
    if (undone) {
        (void)err_set(&err, ERR_CANCELLED, "it was resumed before everything had come to rest");
        console_fail(c, &err);
    } else {
        console_done(c, c->command.kind->value);
    }
}

static void on_done(struct console *c, const struct gather *answers)
{
    (void)answers;
    console_done(c, c->command.kind->value);
}

static void refuse(struct console *c, const char *why)
{
    struct err err;

    (void)err_set(&err, ERR_WRONG_STATE, "%s", why);
    console_fail(c, &err);
}

static void refuse_named(struct console *c, const char *what, const char *name, const char *why)
{
    struct err err;

    (void)err_set(&err, ERR_WRONG_STATE, "%s \"%s\" %s", what, name, why);
    console_fail(c, &err);
}

/* ---- PAUSE, SUSPEND ---- */

static void shut_scope(struct console *c, struct question q, uint32_t flags)
{
    q.flags = flags;
    scope_note_shut(&c->admin->gates, &q, flags);
    console_gather(c, &q, shut_and_wait, on_shut);
}

void act_pause(struct console *c, const struct command *command)
{
    struct question q = scope_question(command);

    if ((c->admin->gates.all & (GATE_PAUSED | GATE_SUSPENDED)) != 0) {
        refuse(c, "already suspended/paused");
    } else if ((scope_flags(&c->admin->gates, &q) & GATE_PAUSED) != 0) {
        refuse_named(c, "database", q.name, "is already paused");
    } else {
        shut_scope(c, q, GATE_PAUSED);
    }
}

void act_suspend(struct console *c, const struct command *command)
{
    if ((c->admin->gates.all & (GATE_PAUSED | GATE_SUSPENDED)) != 0) {
        refuse(c, "already suspended/paused");
    } else {
        shut_scope(c, scope_question(command), GATE_SUSPENDED);
    }
}

/* ---- RESUME ---- */

static void open_scope(struct console *c, struct question q, uint32_t flags)
{
    q.flags = flags;
    scope_note_open(&c->admin->gates, &q, flags);
    console_gather(c, &q, open_gate, on_done);
}

void act_resume(struct console *c, const struct command *command)
{
    struct question q = scope_question(command);
    uint32_t flags = q.scope == GATHER_ALL ? GATE_PAUSED | GATE_SUSPENDED : GATE_PAUSED;

    if ((scope_flags(&c->admin->gates, &q) & flags) != 0) {
        open_scope(c, q, flags);
    } else if (q.scope == GATHER_ALL) {
        refuse(c, "pooler is not paused/suspended");
    } else {
        refuse_named(c, "database", q.name, "is not paused");
    }
}

/* ---- by signal ---- */

void admin_pause(struct admin *admin)
{
    struct question q = {.scope = GATHER_ALL, .flags = GATE_PAUSED};

    if (!admin->closing && (admin->gates.all & (GATE_PAUSED | GATE_SUSPENDED)) == 0) {
        scope_note_shut(&admin->gates, &q, q.flags);
        (void)gather_start(admin, &q, shut_and_wait, NULL, NULL);
    }
}

void admin_resume(struct admin *admin)
{
    struct question q = {.scope = GATHER_ALL, .flags = GATE_PAUSED | GATE_SUSPENDED};

    if (!admin->closing && (admin->gates.all & q.flags) != 0) {
        scope_note_open(&admin->gates, &q, q.flags);
        (void)gather_start(admin, &q, open_gate, NULL, NULL);
    }
}

/* ---- DISABLE, ENABLE ---- */

void act_disable(struct console *c, const struct command *command)
{
    struct question q = scope_question(command);

    q.flags = GATE_DISABLED;
    scope_note_shut(&c->admin->gates, &q, GATE_DISABLED);
    console_gather(c, &q, shut_gate, on_done);
}

void act_enable(struct console *c, const struct command *command)
{
    open_scope(c, scope_question(command), GATE_DISABLED);
}

/* ---- tenants ---- */

bool act_tenant_question(struct console *c, const struct command *command, struct question *q)
{
    struct tenant_from_template storage;
    const struct registry *registry = realm_registry(admin_realm(c->admin));
    struct err err;

    *q = (struct question){.scope = GATHER_TENANT};
    record_name(q->name, command->name);
    if (registry_find_or_template(registry, slice_str(q->name), &storage) == NULL) {
        (void)err_set(&err, ERR_UNKNOWN_TENANT, "tenant \"%s\" does not exist", q->name);
        console_fail(c, &err);
        return false;
    }
    return true;
}

static void on_resumed(struct console *c, const struct gather *answers)
{
    (void)answers;
    act_keep_state(c, TENANT_ACTIVE);
}

void act_pause_tenant(struct console *c, const struct command *command)
{
    struct question q;

    if (!act_tenant_question(c, command, &q)) {
        return;
    }
    if ((scope_flags(&c->admin->gates, &q) & (GATE_PAUSED | GATE_SUSPENDED)) != 0) {
        refuse_named(c, "tenant", q.name, "is already paused or suspended");
    } else {
        shut_scope(c, q, GATE_PAUSED);
    }
}

void act_resume_tenant(struct console *c, const struct command *command)
{
    struct question q;

    if (!act_tenant_question(c, command, &q)) {
        return;
    }
    bool shut = (scope_flags(&c->admin->gates, &q) & (GATE_PAUSED | GATE_SUSPENDED)) != 0;
    if (!shut && !act_is_suspended(c, &q)) {
        refuse_named(c, "tenant", q.name, "is not paused or suspended");
        return;
    }
    q.flags = GATE_PAUSED | GATE_SUSPENDED;
    scope_note_open(&c->admin->gates, &q, q.flags);
    console_gather(c, &q, open_gate, on_resumed);
}
