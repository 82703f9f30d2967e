// SPDX-License-Identifier: MIT
#include "pool/backend.h"

#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pool/backend_inner.h"
#include "pool/backend_login.h"
#include "pool/cleaning.h"
#include "pool/opening.h"
#include "pool/replies.h"
#include "pool/reports.h"
#include "wire/error.h"
#include "wire/frame.h"

/* How long a server may take to close its end, for which a place in its budget is kept. */
#define LINGERING_BUDGET 5000 /* ms */

static const char *const state_names[BACKEND_STATES] = {"connecting", "login", "idle",  "linked",
                                                        "cleaning",   "held",  "closed"};

#define TO(state) (1U << (state))

/* Legal moves: row from, bit to. */
static const uint8_t moves[BACKEND_STATES] = {
    [BACKEND_CONNECTING] = TO(BACKEND_LOGIN) | TO(BACKEND_CLOSED),
    [BACKEND_LOGIN] = TO(BACKEND_IDLE) | TO(BACKEND_CLOSED),
    [BACKEND_IDLE] = TO(BACKEND_LINKED) | TO(BACKEND_CLEANING) | TO(BACKEND_CLOSED),
    [BACKEND_LINKED] =
        TO(BACKEND_IDLE) | TO(BACKEND_CLEANING) | TO(BACKEND_HELD) | TO(BACKEND_CLOSED),
    [BACKEND_CLEANING] = TO(BACKEND_IDLE) | TO(BACKEND_HELD) | TO(BACKEND_CLOSED),
    [BACKEND_HELD] = TO(BACKEND_IDLE) | TO(BACKEND_CLOSED),
    [BACKEND_CLOSED] = 0,
};

const char *backend_state_name(enum backend_state state)
{
    return state_names[state];
}

void backend_move(struct backend *b, enum backend_state to)
{
    assert((moves[b->state] & TO(to)) != 0);
    b->state = to;
}

struct log_origin backend_origin(const struct backend *b)
{
    struct log_origin origin = {.client = 0};

    if (b->owner_ops->origin != NULL) {
        origin = b->owner_ops->origin(b);
    }
    origin.connection = b->id;
    origin.pid = b->pid;
    return origin;
}

static struct deadlines *deadlines(struct backend *b)
{
    return &b->conn.loop->deadlines;
}

/* ---- the end ---- */

static void on_free_work(struct work *work)
{
    struct backend *b = container_of(work, struct backend, free_work);

    b->owner_ops->on_free(b);
}

static void on_conn_closed(struct conn *conn)
{
    struct backend *b = container_of(conn, struct backend, conn);

    on_free_work(&b->free_work);
}

static void release_memory(struct backend *b)
{
    cleaning_drop(b);
    context_unref(b->contexts, b->context);
    context_unref(b->contexts, b->next_context);
    b->context = b->next_context = NULL;
    ledger_fini(&b->ledger);
    prepared_clear(&b->statements);
    buf_release(&b->in);
    parameters_release(&b->parameters);
    backend_login_free(b->login);
    b->login = NULL;
    securing_fini(&b->securing);
}

/* A Terminate may go only where the server waits for a message. */
static void say_goodbye(struct backend *b, enum backend_state state)
{
    static const uint8_t terminate[] = {WIRE_TERMINATE, 0, 0, 0, 4};

    if (state == BACKEND_IDLE || state == BACKEND_HELD || (state == BACKEND_LINKED && b->synced)) {
        (void)conn_send_slice(&b->conn, slice_of(terminate, sizeof terminate));
    }
}

/* The link ends: what the user noted at entries that are not answered yet goes back to it, the
 * latest first. */
static void drop_notes(struct backend *b)
{
    for (uint32_t i = b->ledger.count; i > 0 && b->user != NULL; i--) {
        struct ledger_entry *entry = ledger_at(&b->ledger, i - 1);
        if (entry->note != NULL) {
            b->user_ops->on_entry(b->user, entry, false);
            entry->note = NULL;
        }
    }
}

static void tell_user(struct backend *b, const struct err *err, bool switch_failed)
{
    void *user = b->user;
    const struct backend_user_ops *ops = b->user_ops;

    drop_notes(b);
    b->user = NULL;
    b->user_ops = NULL;
    if (user == NULL) {
        return;
    }
    if (switch_failed) {
        ops->on_switch_failed(user, err);
    } else {
        ops->on_lost(user, err);
    }
}

void backend_let_go(struct backend *b)
{
    assert(b->lingers);
    deadline_disarm(&b->deadline);
    list_remove(&b->pool_node);
    conn_close(&b->conn);
}

static void on_lingered(struct deadline *deadline)
{
    backend_let_go(container_of(deadline, struct backend, deadline));
}

/* Nothing more is sent, and nothing is read: a server that waits ends, one that sends without end
 * is stopped when its time is over. */
static void linger(struct backend *b)
{
    buf_release(&b->conn.out);
    (void)shutdown(b->conn.watch.fd, SHUT_WR);
    conn_pause(&b->conn);
    deadline_arm(deadlines(b), &b->deadline, LINGERING_BUDGET, on_lingered);
}

/* The owner forgets it first, so that the user, when told, is given another. */
static void end(struct backend *b, const struct err *err, bool switch_failed)
{
    enum backend_state state = b->state;

    if (state == BACKEND_CLOSED) {
        return;
    }
    backend_move(b, BACKEND_CLOSED);
    deadline_disarm(&b->deadline);
    deadline_disarm(&b->age);
    b->owner_ops->on_gone(b, state == BACKEND_CONNECTING || state == BACKEND_LOGIN, err);
    if (b->dial != NULL) {
        dial_cancel(b->dial);
        b->dial = NULL;
    }
    if (state == BACKEND_CONNECTING) {
        loop_defer(b->conn.loop, &b->free_work);
    } else {
        say_goodbye(b, state);
        if (b->lingers) {
            linger(b);
        } else {
            conn_close(&b->conn);
        }
    }
    tell_user(b, err, switch_failed);
    release_memory(b);
}

void backend_close(struct backend *b, const struct err *err)
{
    end(b, err, false);
}

void backend_fail(struct backend *b, const struct err *err)
{
    struct log_origin origin = backend_origin(b);

    log_about(LOG_DEBUG, &origin, "server connection failed state=%s reason=\"%s\"",
              backend_state_name(b->state), err->text);
    end(b, err, false);
}

static void fail_with_code(struct backend *b, ssize_t code)
{
    struct err err;

    b->open = false;
    if (code == 0) {
        (void)err_set(&err, ERR_CONNECTION,
                      "server conn crashed? the server closed the connection");
    } else {
        (void)err_set(&err, ERR_CONNECTION, "server conn crashed? %s", uv_strerror((int)code));
    }
    backend_fail(b, &err);
}

void backend_on_timeout(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, deadline);
    struct err err;

    (void)err_set(&err, ERR_CONNECTION, "%s timed out",
                  b->state == BACKEND_CLEANING ? "cleaning a server connection" : "server login");
    backend_fail(b, &err);
}

/* ---- becoming free ---- */

void backend_settle_down(struct backend *b)
{
    deadline_disarm(&b->deadline);
    if (b->cancel != NULL) {
        if (b->state != BACKEND_HELD) {
            backend_move(b, BACKEND_HELD);
        }
        return;
    }
    backend_move(b, BACKEND_IDLE);
    b->owner_ops->on_ready(b);
}

void backend_cancel_ended(struct backend *b)
{
    if (b->state == BACKEND_HELD) {
        backend_settle_down(b);
    }
}

/* ---- bytes of the server ---- */

/* News for the user and the next step, once the bytes of this turn have been walked. */
static void after_walk(struct backend *b)
{
    if (b->switched) {
        b->switched = false;
        if (b->user != NULL) {
            b->user_ops->on_switched(b->user);
        }
    }
    if (b->state == BACKEND_LINKED && b->synced && b->healing) {
        b->healing = false;
        b->user_ops->on_again(b->user);
    } else if (b->state == BACKEND_LINKED && backend_settled(b)) {
        b->user_ops->on_settled(b->user);
    } else if (b->state == BACKEND_LINKED && b->synced) {
        b->user_ops->on_rest(b->user);
    } else if (b->state == BACKEND_CLEANING) {
        cleaning_go_on(b);
    }
    if (b->awaited && b->state == BACKEND_LINKED && ledger_empty(&b->ledger) && b->body_left == 0) {
        b->awaited = false;
        b->user_ops->on_answered(b->user);
    }
}

static void read_messages(struct backend *b, struct slice view)
{
    struct err err;
    bool idle = b->state == BACKEND_IDLE || b->state == BACKEND_HELD;
    err_clear(&err);
    ptrdiff_t done = idle ? reports_walk_idle(b, view, &err) : replies_walk(b, view, &err);

    if (done < 0) {
        if (err.code == ERR_PROTOCOL) {
            struct log_origin origin = backend_origin(b);
            log_about(LOG_ERROR, &origin, "server connection out of step reason=\"%s\"", err.text);
        }
        struct ledger_entry *head = ledger_head(&b->ledger);
        end(b, &err, done == ERR_SERVER && head != NULL && head->kind == LEDGER_SWITCH);
        return;
    }
    conn_keep(&b->in, view, (size_t)done);
    after_walk(b);
}

static void on_readable(struct conn *conn)
{
    struct backend *b = container_of(conn, struct backend, conn);
    struct slice view;

    if (b->state == BACKEND_CLOSED) {
        backend_let_go(b); /* its socket failed while it lingered */
        return;
    }
    ssize_t got = conn_pull(conn, &b->in, &view);
    if (got == UV_EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail_with_code(b, got);
        return;
    }
    b->stats.bytes_in += (uint64_t)got;
    if (b->state != BACKEND_LOGIN) {
        read_messages(b, view);
        return;
    }
    size_t consumed = opening_read(b, view);
    if (b->state == BACKEND_LOGIN || (b->state != BACKEND_CLOSED && consumed == view.n)) {
        conn_keep(&b->in, view, consumed);
    } else if (b->state != BACKEND_CLOSED) {
        read_messages(b, slice_from(view, consumed)); /* the server went on behind its login */
    }
}

static void on_drained(struct conn *conn)
{
    struct backend *b = container_of(conn, struct backend, conn);

    if (b->user != NULL) {
        b->user_ops->on_drained(b->user);
    }
}

/* Only a lingering one is not read and still watched. */
static void on_deserted(struct conn *conn)
{
    struct backend *b = container_of(conn, struct backend, conn);

    if (b->state == BACKEND_CLOSED) {
        backend_let_go(b);
    }
}

static void on_secured(struct conn *conn, const struct err *reason)
{
    opening_secured(container_of(conn, struct backend, conn), reason);
}

static const struct conn_ops conn_ops = {
    .on_readable = on_readable,
    .on_deserted = on_deserted,
    .on_drained = on_drained,
    .on_closed = on_conn_closed,
    .on_secured = on_secured,
};

/* ---- connecting ---- */

static void on_dialled(void *data, const struct dial_result *result)
{
    struct backend *b = data;
    struct loop *loop = b->conn.loop;

    b->dial = NULL;
    if (result->fd < 0) {
        backend_fail(b, result->err);
        return;
    }
    int rc = conn_open(&b->conn, loop, result->fd, &conn_ops);
    if (rc < 0) {
        b->conn.loop = loop;
        (void)close(result->fd);
        fail_with_code(b, rc);
        return;
    }
    b->open = true;
    b->peer = result->peer;
    b->host = result->host;
    backend_move(b, BACKEND_LOGIN);
    opening_begin(b);
}

void backend_start(struct backend *b, struct loop *loop, const struct backend_target *target,
                   const struct backend_owner_ops *ops, void *owner)
{
    b->owner = owner;
    b->owner_ops = ops;
    b->conn.loop = loop;
    b->port = target->port;
    b->state = BACKEND_CONNECTING;
    b->connected_at = b->used_at = loop_now(loop);
    list_init(&b->idle_node);
    list_init(&b->context_node);
    list_init(&b->birth_node);
    list_init(&b->host_node);
    list_init(&b->pool_node);
    deadline_init(&b->deadline);
    deadline_init(&b->age);
    work_init(&b->free_work, on_free_work);
    ledger_init(&b->ledger);
    prepared_init(&b->statements);
    b->login = backend_login_new(loop, target, opening_on_login_step, b);
    if (target->tls != NULL) {
        securing_init(&b->securing, target->tls, target->tls_config, target->encrypts);
    }
    deadline_arm(deadlines(b), &b->deadline, target->connect_timeout, backend_on_timeout);
    struct dial_hosts hosts = {
        .names = target->hosts,
        .count = target->host_count,
        .first = target->first_host,
        .port = target->port,
    };
    b->role = target->role;
    b->replicates = target->replication != NULL;
    b->dial = dial_start(loop, &hosts, 0, on_dialled, b);
}

/* ---- in use ---- */

void backend_link(struct backend *b, const struct backend_user_ops *ops, void *user)
{
    backend_move(b, BACKEND_LINKED);
    deadline_disarm(&b->deadline);
    b->user = user;
    b->user_ops = ops;
    b->awaited = b->healing = false;
    b->used_at = loop_now(b->conn.loop);
}

void backend_expect_switch(struct backend *b, struct context *context, uint32_t completes,
                           bool partial)
{
    ledger_push(&b->ledger, LEDGER_SWITCH, LEDGER_SWALLOW)->arg = completes;
    b->next_context = context_ref(context);
    b->switch_partial = partial;
}

void backend_set_context_as_reported(struct backend *b, struct context *context)
{
    context_unref(b->contexts, b->context);
    b->context = context_ref(context);
}

void backend_set_context(struct backend *b, struct context *context)
{
    if (b->context != context) {
        backend_set_context_as_reported(b, context);
    }
    context->proven = true;
    b->context_unknown = b->fixed_unknown = b->scrubbed = false;
}

int backend_send(struct backend *b, struct iovec *pieces, int count)
{
    b->synced = false;
    for (int i = 0; i < count; i++) {
        b->stats.bytes_out += pieces[i].iov_len;
    }
    int rc = conn_send(&b->conn, pieces, count);
    if (rc < 0) {
        conn_resume(&b->conn); /* what the server said before it went is still to be read */
        return rc == UV_EPIPE || rc == UV_ECONNRESET ? 1 : rc;
    }
    return rc;
}

void backend_resume(struct backend *b)
{
    conn_resume(&b->conn);
}

void backend_unlink(struct backend *b, const char *reset_query, bool broken)
{
    assert(b->state == BACKEND_LINKED);
    drop_notes(b);
    b->user = NULL;
    b->user_ops = NULL;
    conn_resume(&b->conn);
    ledger_shrink(&b->ledger);
    if (broken || b->copy_in || b->close_when_free) {
        backend_close(b, NULL);
        return;
    }
    b->reset_query = reset_query == NULL ? NULL : x_strdup(reset_query);
    if (backend_settled(b) && reset_query == NULL) {
        backend_settle_down(b);
        return;
    }
    backend_move(b, BACKEND_CLEANING);
    cleaning_begin(b);
}

void backend_clean(struct backend *b, const char *sql)
{
    backend_move(b, BACKEND_CLEANING);
    cleaning_run(b, sql);
}
