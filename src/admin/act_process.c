// SPDX-License-Identifier: MIT
//
// act_process: RELOAD, SHUTDOWN and SET. A shutdown is begun when its answer has been written, so
// that whoever asked knows that it was heard.
#include "admin/act.h"

#include <strings.h>

#include "admin/console.h"
#include "base/log.h"

/* Each line of the report is a notice of its own. */
static void tell_report(struct console *c, const struct buf *report)
{
    struct slice rest = buf_slice(report);

    while (rest.n > 0) {
        ptrdiff_t end = slice_find(rest, '\n');
        size_t n = end < 0 ? rest.n : (size_t)end;
        if (n > 0) {
            console_notice(c, "%.*s", (int)n, (const char *)rest.p);
        }
        rest = slice_from(rest, n + 1);
    }
}

/* The answer comes when every worker has what was mailed before: the next login finds it. */
static enum gather_step know(struct proxy *proxy, const struct question *q,
                             struct gather_part *part)
{
    (void)proxy;
    (void)q;
    (void)part;
    return GATHER_DONE;
}

static void on_known(struct console *c, const struct gather *answers)
{
    (void)answers;
    console_done(c, "RELOAD");
}

void act_reload(struct console *c, const struct command *command)
{
    struct admin *admin = c->admin;
    struct buf report = {0};
    struct err err = {0};
    struct question all = {.scope = GATHER_ALL};
    int rc = admin->hooks.reload(admin->data, &report, &err);

    (void)command;
    tell_report(c, &report);
    buf_release(&report);
    if (rc < 0) {
        console_fail(c, &err);
    } else {
        console_gather(c, &all, know, on_known);
    }
}

static void shut_down(struct console *c, enum admin_shutdown mode)
{
    struct admin *admin = c->admin;

    console_done(c, "SHUTDOWN");
    console_flush(c);
    admin->hooks.shutdown(admin->data, mode);
}

void act_shutdown(struct console *c, const struct command *command)
{
    (void)command;
    shut_down(c, ADMIN_SHUTDOWN_IMMEDIATE);
}

void act_shutdown_wait_for_servers(struct console *c, const struct command *command)
{
    (void)command;
    shut_down(c, ADMIN_SHUTDOWN_WAIT_FOR_SERVERS);
}

void act_shutdown_wait_for_clients(struct console *c, const struct command *command)
{
    (void)command;
    shut_down(c, ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS);
}

/* ---- SET ---- */

static int set_log_level(struct admin *admin, const char *word, struct err *err)
{
    int level = log_level_of(word);

    if (level >= 0) {
        log_configure((enum log_level)level, admin_config(admin)->log.format == LOG_JSON);
        return 0;
    }
    return err_set(err, ERR_INVALID_VALUE,
                   "invalid value for log.level: \"%.40s\"; it is debug, info, warning or error",
                   word);
}

/* Everything else is in the file, which is taken whole or not at all. */
static int refuse_key(const char *key, struct err *err)
{
    (void)err_set(err, ERR_UNSUPPORTED, "\"%s\" cannot be changed by SET", key);
    err_hint(err, "log.level can; for others change the file and RELOAD.");
    return err->code;
}

void act_set(struct console *c, const struct command *command)
{
    struct err err = {0};
    int rc = strcasecmp(command->name, "log.level") == 0
                 ? set_log_level(c->admin, command->value, &err)
                 : refuse_key(command->name, &err);

    if (rc < 0) {
        console_fail(c, &err);
    } else {
        console_done(c, "SET");
    }
}
