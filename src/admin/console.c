// SPDX-License-Identifier: MIT
#include "admin/console.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/commands.h"
#include "base/alloc.h"
#include "base/log.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/frame.h"

#define FLUSH_SIZE 32768 /* bytes of output that are sent before the next message is looked at */

static void work_off(struct console *c);

static bool is_busy(const struct console *c)
{
    return c->task != TASK_NONE;
}

/* ---- the end ---- */

static void on_closed(struct conn *conn)
{
    free(container_of(conn, struct console, conn));
}

void console_close(struct console *c)
{
    if (c->conn.closing) {
        return;
    }
    struct log_origin origin = {.client = c->id};
    log_about(LOG_INFO, &origin, "console closed user=%s", c->user);
    if (c->gather != NULL) {
        gather_forget(c->gather);
        c->gather = NULL;
    }
    if (c->job != NULL) {
        c->forget_job(c->job);
        c->job = NULL;
    }
    list_remove(&c->node);
    c->admin->console_count--;
    extended_fini(&c->extended);
    buf_release(&c->in);
    buf_release(&c->out);
    buf_release(&c->result);
    conn_close(&c->conn);
}

void console_flush(struct console *c)
{
    int rc = conn_send_slice(&c->conn, buf_slice(&c->out));

    buf_release(&c->out);
    if (rc < 0) {
        console_close(c);
    }
}

/* Bytes that are not the protocol: there is no way to go on. */
static void end_with_error(struct console *c, const struct err *err)
{
    error_build(&c->out, WIRE_ERROR, "FATAL", err);
    console_flush(c);
    console_close(c);
}

void console_kill(struct console *c, const struct err *err)
{
    end_with_error(c, err);
}

/* ---- answering ---- */

static void finish_task(struct console *c)
{
    c->task = TASK_NONE;
    buf_release(&c->result);
    if (!c->working) {
        work_off(c);
    }
}

static void finish_query(struct console *c)
{
    build_ready(&c->out, 'I');
    finish_task(c);
}

void console_done(struct console *c, const char *tag)
{
    if (c->task == TASK_EXECUTE) {
        extended_done(c, tag);
        finish_task(c);
        return;
    }
    if (c->rows.columns.count > 0) {
        rows_describe(&c->out, c->rows.columns, 0);
    }
    buf_append_slice(&c->out, buf_slice(&c->result));
    build_command_complete(&c->out, tag);
    finish_query(c);
}

void console_fail(struct console *c, const struct err *err)
{
    error_build(&c->out, WIRE_ERROR, "ERROR", err);
    if (c->task == TASK_EXECUTE) {
        c->extended.skipping = true;
        c->extended.running = NULL;
        finish_task(c);
    } else {
        finish_query(c);
    }
}

void console_notice(struct console *c, const char *fmt, ...)
{
    struct err notice = {.code = ERR_SERVER, .sqlstate = "00000"};
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(notice.text, sizeof notice.text, fmt, args);
    va_end(args);
    error_build(&c->out, WIRE_NOTICE, "NOTICE", &notice);
}

/* ---- running ---- */

static void on_gathered(void *data, const struct gather *answers)
{
    struct console *c = data;

    c->gather = NULL;
    c->gathered(c, answers);
}

void console_gather(struct console *c, const struct question *question, gather_work work,
                    console_gathered_cb gathered)
{
    c->gathered = gathered;
    c->gather = gather_start(c->admin, question, work, on_gathered, c);
}

void console_begin_job(struct console *c, void *job, void (*forget)(void *job))
{
    c->job = job;
    c->forget_job = forget;
}

void console_end_job(struct console *c)
{
    c->job = NULL;
}

static void answer_nothing(struct console *c)
{
    build_empty(&c->out, WIRE_EMPTY_QUERY);
    if (c->task == TASK_EXECUTE) {
        finish_task(c);
    } else {
        finish_query(c);
    }
}

static void refuse_command(struct console *c, const struct command_kind *kind)
{
    struct err err;

    (void)err_set(&err, ERR_RESERVED, "permission denied: \"%s\" needs an admin user", kind->words);
    err_hint(&err, "Users of admin.stats_users may only SHOW; see admin.users.");
    console_fail(c, &err);
}

void console_run(struct console *c, const struct command *command, enum console_task task,
                 uint64_t binary)
{
    c->command = *command;
    c->task = task;
    c->request_at = loop_now(c->admin->loop);
    rows_init(&c->rows, &c->result, command_columns(command), binary);
    if (command->kind == NULL) {
        answer_nothing(c);
        return;
    }
    if (!command->kind->looks) {
        struct log_origin origin = {.client = c->id};
        log_about(LOG_INFO, &origin, "console command user=%s command=\"%s\" name=\"%s\"", c->user,
                  command->kind->words, command->name);
        if (!c->may_change) {
            refuse_command(c, command->kind);
            return;
        }
    }
    command->kind->run(c, &c->command);
}

static void run_query(struct console *c, struct slice body)
{
    struct command command;
    struct cursor cursor = cursor_of(body);
    struct slice text = cursor_cstr(&cursor);
    struct err err = {0};

    extended_end_portals(&c->extended);
    if (cursor.bad || cursor.left.n > 0) {
        (void)err_set(&err, ERR_PROTOCOL, "invalid Query message");
        end_with_error(c, &err);
        return;
    }
    if (command_parse(text, &command, &err) < 0) {
        c->task = TASK_QUERY;
        console_fail(c, &err);
        return;
    }
    console_run(c, &command, TASK_QUERY, 0);
}

/* ---- messages ---- */

static void refuse_call(struct console *c)
{
    struct err err;

    (void)err_set(&err, ERR_UNSUPPORTED, "function calls are not supported by the console");
    c->task = TASK_QUERY;
    console_fail(c, &err);
}

static void take_message(struct console *c, uint8_t type, struct slice body)
{
    struct err err;

    if (extended_handles(type)) {
        extended_message(c, type, body);
        return;
    }
    switch (type) {
    case WIRE_TERMINATE:
        console_close(c);
        return;
    case WIRE_COPY_DATA:
    case WIRE_COPY_DONE:
    case WIRE_COPY_FAIL:
        return; /* of a copy that was refused */
    case WIRE_QUERY:
    case WIRE_FUNCTION_CALL:
        if (c->extended.skipping) {
            return;
        }
        if (type == WIRE_QUERY) {
            run_query(c, body);
        } else {
            refuse_call(c);
        }
        return;
    default:
        (void)err_set(&err, ERR_PROTOCOL, "invalid frontend message type %d", type);
        end_with_error(c, &err);
    }
}

/* Takes the first message where it is whole. */
static bool take_first(struct console *c)
{
    struct slice rest = buf_slice(&c->in);
    struct frame frame;
    struct err err;
    enum frame_result result = frame_peek(rest, &frame);

    if (result == FRAME_SHORT) {
        return false;
    }
    if (result == FRAME_BAD || frame.size > CONSOLE_MESSAGE_MAX) {
        (void)err_set(&err, ERR_PROTOCOL,
                      "invalid message length: a message to the console has "
                      "at most %d bytes",
                      CONSOLE_MESSAGE_MAX);
        end_with_error(c, &err);
        return false;
    }
    if (frame.size > rest.n) {
        return false;
    }
    take_message(c, frame.type, frame_body(rest, &frame));
    if (c->conn.closing) {
        return false;
    }
    buf_consume(&c->in, frame.size);
    return true;
}

/* Works off what was received, as far as it may be answered now. */
static void work_off(struct console *c)
{
    c->working = true;
    while (!c->conn.closing && !is_busy(c) && !conn_blocked(&c->conn) && take_first(c)) {
        if (buf_size(&c->out) > FLUSH_SIZE) {
            console_flush(c);
        }
    }
    c->working = false;
    if (c->conn.closing) {
        return;
    }
    if (buf_size(&c->in) == 0) {
        buf_release(&c->in);
    }
    if (buf_size(&c->in) <= CONSOLE_INPUT_MAX) {
        conn_resume(&c->conn);
    }
    console_flush(c);
}

static void on_readable(struct conn *conn)
{
    struct console *c = container_of(conn, struct console, conn);
    struct slice view;
    ssize_t got = conn_pull(conn, &c->in, &view);

    if (got == UV_EAGAIN) {
        return;
    }
    if (got <= 0) {
        console_close(c);
        return;
    }
    conn_keep(&c->in, view, 0);
    if (buf_size(&c->in) > CONSOLE_INPUT_MAX) {
        conn_pause(conn);
    }
    work_off(c);
}

static void on_drained(struct conn *conn)
{
    work_off(container_of(conn, struct console, conn));
}

static const struct conn_ops conn_ops = {
    .on_readable = on_readable,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* ---- the beginning ---- */

static void greet(struct console *c)
{
    static const uint8_t no_key[4];

    commands_report(&c->out);
    build_backend_key(&c->out, 0, slice_of(no_key, sizeof no_key));
    build_ready(&c->out, 'I');
}

void console_new(struct admin *admin, struct console_client *client)
{
    struct console *c = x_zalloc(sizeof *c);
    char peer[ADDR_TEXT];

    if (conn_adopt(&c->conn, admin->loop, client->socket, &conn_ops) < 0) {
        conn_socket_close(client->socket);
        buf_release(&client->pending);
        free(c);
        return;
    }
    c->admin = admin;
    admin->next_console += CREW_IDS;
    c->id = admin->next_console + CREW_IDS - 1;
    (void)snprintf(c->user, sizeof c->user, "%s", client->user);
    c->may_change = client->admin;
    c->peer = client->peer;
    c->connected_at = c->request_at = loop_now(admin->loop);
    c->in = client->pending;
    client->pending = (struct buf){0};
    extended_init(&c->extended);
    list_push_tail(&admin->consoles, &c->node);
    admin->console_count++;
    addr_print(&c->peer, peer, sizeof peer);
    struct log_origin origin = {.client = c->id};
    log_about(LOG_INFO, &origin, "console opened user=%s peer=%s", c->user, peer);
    greet(c);
    work_off(c);
}
