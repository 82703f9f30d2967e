// SPDX-License-Identifier: MIT
//
// act_drop: DROP TENANT: the first part of the work, then every worker closes the tenant's clients
// and waits until its server connections have gone, then the second part. It goes on when the
// console that asked has left: what was begun is finished.
#include "admin/act.h"

#include <stdlib.h>

#include "admin/console.h"
#include "admin/record.h"
#include "admin/scope.h"
#include "admin/tenant_job.h"
#include "base/alloc.h"
#include "proxy/frontend.h"

enum { CLOSES_MAX = 200 }; /* clients closed in one turn */

struct drop {
    struct admin *admin;
    struct console *console; /* NULL when it has gone */
    struct tenant_job *job;
    struct question question; /* about the tenant */
    bool dry;
    bool was_shut; /* its gate, before */
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

/* Closing one may serve another that waits, and end it; so the head is looked at anew each time. */
static bool close_clients(struct proxy *proxy, const char *tenant)
{
    struct account *account;
    struct list *node;
    struct err err;

    HASH_FIND_STR(proxy->pools.accounts, tenant, account);
    (void)err_set(&err, ERR_SHUTDOWN, "tenant \"%s\" is being removed", tenant);
    for (int i = 0; account != NULL && (node = list_head(&account->clients_list)) != NULL; i++) {
        if (i == CLOSES_MAX) {
            return false;
        }
        frontend_close(container_of(node, struct frontend, account_node), &err);
    }
    return true;
}

static enum gather_step leave(struct proxy *proxy, const struct question *q,
                              struct gather_part *part)
{
    if (part->state == 0) {
        scope_shut(proxy, q, GATE_SUSPENDED);
        part->state = 1;
    }
    if (part->state == 1) {
        if (!close_clients(proxy, q->name)) {
            return GATHER_AGAIN;
        }
        (void)scope_each(proxy, q, close_connections);
        part->state = 2;
    }
    return scope_each(proxy, q, is_closed) ? GATHER_DONE : GATHER_WAIT;
}

static enum gather_step open_gate(struct proxy *proxy, const struct question *q,
                                  struct gather_part *part)
{
    (void)part;
    scope_open(proxy, q, GATE_SUSPENDED);
    return GATHER_DONE;
}

/* ---- on the control thread ---- */

static void answer(struct drop *d, const struct report *report)
{
    struct console *c = d->console;

    if (c == NULL) {
        return;
    }
    if (act_take_report(c, report)) {
        console_done(c, c->command.kind->value);
    }
}

static void on_finished(void *data, const struct tenant_outcome *outcome)
{
    struct drop *d = data;

    if (!d->dry && !d->was_shut && !d->admin->closing) {
        scope_note_open(&d->admin->gates, &d->question, GATE_SUSPENDED);
        (void)gather_start(d->admin, &d->question, open_gate, NULL, NULL);
    }
    answer(d, &outcome->report);
    free(d);
}

static void finish(struct drop *d)
{
    struct report report = {.count = 0};

    if (tenant_job_start(d->job, tenant_drop_finish, on_finished, d, &report.err) < 0) {
        answer(d, &report);
        free(d);
    }
}

static void on_left(void *data, const struct gather *answers)
{
    (void)answers;
    finish(data);
}

static void on_begun(void *data, const struct tenant_outcome *outcome)
{
    struct drop *d = data;
    struct gates *gates = &d->admin->gates;

    if (outcome->report.err.code != 0 || d->admin->closing) {
        answer(d, &outcome->report);
        free(d);
        return;
    }
    tenant_job_keep(d->job);
    if (d->dry) {
        finish(d);
        return;
    }
    d->was_shut = (scope_flags(gates, &d->question) & GATE_SUSPENDED) != 0;
    scope_note_shut(gates, &d->question, GATE_SUSPENDED);
    (void)gather_start(d->admin, &d->question, leave, on_left, d);
}

static void forget(void *data)
{
    struct drop *d = data;

    d->console = NULL;
}

void act_drop_tenant(struct console *c, const struct command *command)
{
    struct err err = {0};
    struct tenant_job *job = tenant_job_new(c->admin, command, &err);

    if (job == NULL) {
        console_fail(c, &err);
        return;
    }
    struct drop *d = x_zalloc(sizeof *d);
    *d = (struct drop){.admin = c->admin,
                       .console = c,
                       .job = job,
                       .question = {.scope = GATHER_TENANT},
                       .dry = command->dry};
    record_name(d->question.name, command->name);
    if (tenant_job_start(job, tenant_drop_begin, on_begun, d, &err) < 0) {
        free(d);
        console_fail(c, &err);
        return;
    }
    console_begin_job(c, d, forget);
}
