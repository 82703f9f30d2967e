// SPDX-License-Identifier: MIT
//
// act_tenant: CREATE and ALTER TENANT: a job, whose report becomes the rows of the answer. The
// answer waits until every worker knows the tenant, so that whoever has it can log in at once, and
// until its clients that wait have found their new places, so that it may be resumed.
#include "admin/act.h"

#include "admin/console.h"
#include "admin/record.h"
#include "admin/tenant_job.h"
#include "proxy/refresh.h"

static enum gather_step know(struct proxy *proxy, const struct question *q,
                             struct gather_part *part)
{
    (void)part; /* the realm was in the mail before this */
    return refresh_tenant(proxy, slice_str(q->name)) ? GATHER_DONE : GATHER_AGAIN;
}

static void on_known(struct console *c, const struct gather *answers)
{
    (void)answers;
    console_done(c, c->command.kind->value);
}

static void add_report(struct console *c, const struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct report_line *line = &report->lines[i];
        row_begin(&c->rows);
        row_text(&c->rows, report_kind_name(line->kind));
        row_text(&c->rows, line->object);
        row_text(&c->rows, line->text);
        row_end(&c->rows);
    }
}

bool act_take_report(struct console *c, const struct report *report)
{
    console_end_job(c);
    if (report->err.code != 0) {
        console_fail(c, &report->err);
        return false;
    }
    add_report(c, report);
    return true;
}

static void forget(void *job)
{
    tenant_job_forget(job);
}

void act_start_job(struct console *c, struct tenant_job *job, tenant_job_work work,
                   tenant_job_done done, struct err *err)
{
    if (job == NULL || tenant_job_start(job, work, done, c, err) < 0) {
        console_fail(c, err);
        return;
    }
    console_begin_job(c, job, forget);
}

static void on_worked(void *data, const struct tenant_outcome *outcome)
{
    struct console *c = data;
    struct question q = {.scope = GATHER_TENANT};

    record_name(q.name, c->command.name);
    if (act_take_report(c, &outcome->report)) {
        console_gather(c, &q, know, on_known);
    }
}

static void start(struct console *c, const struct command *command, tenant_job_work work)
{
    struct err err = {0};

    act_start_job(c, tenant_job_new(c->admin, command, &err), work, on_worked, &err);
}

void act_alter_tenant(struct console *c, const struct command *command)
{
    if (command->rotate) {
        act_rotate_password(c, command);
    } else {
        start(c, command, tenant_alter);
    }
}

void act_create_tenant(struct console *c, const struct command *command)
{
    start(c, command, tenant_make);
}
