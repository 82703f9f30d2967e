// SPDX-License-Identifier: MIT
#include "proxy/frontend.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "pool/cancel.h"
#include "proxy/client_login.h"
#include "proxy/follow.h"
#include "proxy/move.h"
#include "proxy/reception.h"
#include "proxy/relay.h"
#include "proxy/relocate.h"
#include "proxy/reply.h"
#include "proxy/role_secret.h"
#include "proxy/timeouts.h"
#include "proxy/trace.h"
#include "proxy/wanderers.h"
#include "wire/build.h"
#include "wire/error.h"

static const char *const state_names[FRONTEND_STATES] = {"login", "idle", "waiting", "active",
                                                         "closed"};

#define TO(state) (1U << (state))

/* Legal moves: row from, bit to. */
static const uint8_t moves[FRONTEND_STATES] = {
    [FRONTEND_LOGIN] = TO(FRONTEND_IDLE) | TO(FRONTEND_CLOSED),
    [FRONTEND_IDLE] = TO(FRONTEND_WAITING) | TO(FRONTEND_LINKED) | TO(FRONTEND_CLOSED),
    [FRONTEND_WAITING] = TO(FRONTEND_LINKED) | TO(FRONTEND_IDLE) | TO(FRONTEND_CLOSED),
    [FRONTEND_LINKED] = TO(FRONTEND_IDLE) | TO(FRONTEND_CLOSED),
    [FRONTEND_CLOSED] = 0,
};

const char *frontend_state_name(const struct frontend *f)
{
    return state_names[f->state];
}

void frontend_move(struct frontend *f, enum frontend_state to)
{
    assert((moves[f->state] & TO(to)) != 0);
    f->state = (uint8_t)to;
}

/* ---- the end ---- */

static void free_memory(struct frontend *f)
{
    struct proxy *proxy = f->proxy;

    realm_unref(f->realm);
    overlay_unref(f->overlay);
    config_unref(f->config);
    if (f->user_account == NULL) {
        free(f->user);
    }
    free(f->application_name);
    slab_free(&proxy->frontends, f);
    if (proxy->hooks.on_client_gone != NULL) {
        proxy->hooks.on_client_gone(proxy->data);
    }
}

static void on_closed(struct conn *conn)
{
    free_memory(container_of(conn, struct frontend, conn));
}

static void leave_tenant(struct frontend *f)
{
    struct account *account = frontend_account(f);

    if (account == NULL) {
        return;
    }
    account->clients--;
    atomic_fetch_sub(&account->quota->clients, 1);
    f->user_account->clients--;
    atomic_fetch_sub(&f->user_account->quota->clients, 1);
    list_remove(&f->account_node);
    context_unref(&f->proxy->pools.contexts, f->request.context);
    struct pool *pool = f->request.lane->pool;
    f->request.lane = NULL;
    f->request.context = NULL;
    birth_unref(f->request.birth);
    f->request.birth = NULL;
    pool_unref(pool);
}

/* Takes the client out of everything that could find it; the socket is the caller's to close or to
 * keep. */
static void unhook(struct frontend *f)
{
    struct proxy *proxy = f->proxy;

    if (f->request.lane != NULL) {
        lane_withdraw(&f->request);
        relay_abandon(f);
        client_statements_clear(&proxy->statements, &f->statements, true);
        free(f->doomed);
    }
    deadline_disarm(&f->deadline); /* after letting go, which arms it for one who stays */
    deadline_disarm(&f->transaction_deadline);
    frontend_move(f, FRONTEND_CLOSED);
    leave_tenant(f);
    if (f->has_slot) {
        slots_give(&proxy->slots, f->slot);
        f->has_slot = false;
    }
    wanderers_remove(f);
    if (f->fetch != NULL) {
        role_secret_cancel(f->fetch);
        f->fetch = NULL;
    }
    client_login_free(f->login);
    f->login = NULL;
    buf_release(&f->in);
    reception_leave(f);
    list_remove(&f->node);
    proxy->client_count--;
}

struct conn_socket frontend_detach(struct frontend *f)
{
    unhook(f);
    return conn_detach(&f->conn);
}

static void say(struct frontend *f, const char *severity, const struct err *err)
{
    struct buf out = {0};

    error_build(&out, WIRE_ERROR, severity, err);
    (void)conn_send_slice(&f->conn, buf_slice(&out)); /* who does not listen has left already */
    buf_release(&out);
}

void frontend_tell_error(struct frontend *f, const struct err *err)
{
    frontend_stats(f)->errors++;
    trace_failed(f, err);
    say(f, "ERROR", err);
}

/* In the middle of a message of the server nothing else can be said. */
static bool is_within_message(const struct frontend *f)
{
    return f->backend != NULL && f->backend->body_left > 0 && f->backend->body_forward;
}

void frontend_close(struct frontend *f, const struct err *err)
{
    if (f->state == FRONTEND_CLOSED) {
        return;
    }
    f->proxy->closes[err_index(err)]++;
    trace_closed(f, err);
    if (err != NULL) {
        if (f->request.lane != NULL) {
            frontend_stats(f)->errors++;
        }
        if (!is_within_message(f)) {
            say(f, "FATAL", err);
        }
    }
    unhook(f);
    proxy_uncount(f->proxy, &f->peer);
    conn_close(&f->conn);
}

void frontend_fail_batch(struct frontend *f, const struct err *err)
{
    if (!f->greeted) {
        frontend_close(f, err);
        return;
    }
    timeouts_at_rest(f);
    frontend_tell_error(f, err);
    f->skip = SKIP_BATCH;
    if (f->state == FRONTEND_WAITING) {
        frontend_move(f, FRONTEND_IDLE);
    }
    relay_continue(f);
}

void frontend_close_when_idle(struct frontend *f)
{
    struct err err;
    bool settled = f->state == FRONTEND_LOGIN || f->state == FRONTEND_IDLE ||
                   f->state == FRONTEND_WAITING ||
                   (f->state == FRONTEND_LINKED && backend_settled(f->backend));

    f->closing_soon = true;
    if (f->proxy->lenient && (!f->spoken || f->state == FRONTEND_WAITING)) {
        return;
    }
    if (settled) {
        (void)err_set(&err, ERR_SHUTDOWN,
                      "server shutting down: terminating connection due to "
                      "administrator command");
        frontend_close(f, &err);
    }
}

bool frontend_send(struct frontend *f, struct slice bytes)
{
    int rc = conn_send_slice(&f->conn, bytes);

    frontend_stats(f)->bytes_out += bytes.n;
    if (rc < 0) {
        conn_resume(&f->conn);
    }
    return rc != 0;
}

/* ---- cancel ---- */

struct cancel_key frontend_cancel_key(const struct frontend *f)
{
    if (f->wanderer != NULL) {
        return f->wanderer->key;
    }
    return cancel_key_make(f->proxy->cancel_secret, slot_pid(f->proxy->worker, f->slot), f->id,
                           f->long_key);
}

void frontend_cancel(struct frontend *f)
{
    struct err err;

    if (f->state == FRONTEND_WAITING && f->greeted) {
        lane_withdraw(&f->request);
        (void)err_set(&err, ERR_CANCELLED, "canceling statement due to user request");
        frontend_fail_batch(f, &err);
    } else if (f->state == FRONTEND_LINKED && !backend_settled(f->backend)) {
        cancel_send(f->backend);
    }
}

/* ---- login ---- */

void frontend_greet(struct frontend *f, struct slice before)
{
    struct buf out = {0};

    f->greeted = true;
    lane_note_time(f->request.lane, TIME_LOGIN, loop_now(f->proxy->loop) - f->connected_at);
    timeouts_at_rest(f);
    trace_greeted(f);
    f->slot = slots_take(&f->proxy->slots, f);
    f->has_slot = true;
    struct cancel_key key = frontend_cancel_key(f);
    struct context *shown = follow_shown(f);
    buf_append_slice(&out, before);
    reply_welcome(&out, &f->request.birth->welcome, shown, &key);
    context_unref(&f->proxy->pools.contexts, shown);
    (void)conn_send_slice(&f->conn, buf_slice(&out));
    buf_release(&out);
    relay_continue(f);
}

/* ---- bytes of the client ---- */

static void on_readable(struct conn *conn)
{
    struct frontend *f = container_of(conn, struct frontend, conn);
    struct slice view;

    if (reception_before_login(f)) {
        return;
    }
    ssize_t got = conn->broken ? UV_EPIPE : conn_pull(conn, &f->in, &view);

    if (got == UV_EAGAIN) {
        return;
    }
    if (got <= 0) {
        frontend_close(f, NULL);
        return;
    }
    if (f->state == FRONTEND_LOGIN) {
        reception_read(f, view);
        return;
    }
    size_t done = relay_up(f, view);
    if (f->state == FRONTEND_CLOSED) {
        return;
    }
    conn_keep(&f->in, view, done);
    if (frontend_stale(f) && relocate_due(f)) {
        relocate(f);
    }
}

static void on_drained(struct conn *conn)
{
    struct frontend *f = container_of(conn, struct frontend, conn);

    if (f->backend != NULL) {
        backend_resume(f->backend);
        relay_release_if_settled(f);
    }
}

/* One that leaves while it waits leaves the queue: nobody would read the answer. One whose batch
 * runs behind a switch is not read from until that is answered, which may be at the end of the
 * query only. Others are found by the next read. */
static void on_deserted(struct conn *conn)
{
    struct frontend *f = container_of(conn, struct frontend, conn);

    if (f->state == FRONTEND_WAITING || f->holding) {
        frontend_close(f, NULL);
    }
}

static const struct conn_ops conn_ops = {
    .on_readable = on_readable,
    .on_drained = on_drained,
    .on_closed = on_closed,
    .on_deserted = on_deserted,
    .on_secured = reception_secured,
};

/* A client in its first state, in the proxy's lists; its connection is open. */
static void begin(struct frontend *f, const struct addr *peer, const struct realm *realm)
{
    struct proxy *proxy = f->proxy;

    f->peer = *peer;
    f->realm = realm;
    f->request_at = loop_now(proxy->loop);
    f->closing_soon = proxy->lenient; /* it comes from another worker, where that was said */
    list_init(&f->account_node);
    list_init(&f->login_node);
    list_init(&f->request.node);
    f->request.ops = &relay_request_ops;
    deadline_init(&f->deadline);
    deadline_init(&f->transaction_deadline);
    list_push_tail(&proxy->clients, &f->node);
    proxy->client_count++;
    reception_start_clock(f);
}

void frontend_new(struct proxy *proxy, int fd, const struct addr *peer)
{
    struct frontend *f = slab_alloc(&proxy->frontends);
    struct client_origin origin = client_origin_of(fd, peer);

    f->proxy = proxy;
    if (conn_open(&f->conn, proxy->loop, fd, &conn_ops) < 0) {
        (void)close(fd);
        slab_free(&proxy->frontends, f);
        return;
    }
    begin(f, peer, realm_ref(proxy->realm));
    proxy->next_client += CREW_IDS;
    f->id = proxy->next_client + proxy->worker;
    f->request.client = f->id;
    origin.client = f->id;
    f->connected_at = f->request_at;
    atomic_fetch_add(proxy->clients_in_all, 1);
    reception_begin(f, &origin);
    if (f->state != FRONTEND_CLOSED) {
        on_readable(&f->conn); /* it speaks first, and has mostly done so by now */
    }
}

/* The time to log in begins anew, so that there is one length for all. */
void frontend_arrive(struct proxy *proxy, struct move *move)
{
    struct frontend *f = slab_alloc(&proxy->frontends);

    f->proxy = proxy;
    if (conn_adopt(&f->conn, proxy->loop, move->socket, &conn_ops) < 0) {
        slab_free(&proxy->frontends, f);
        move_drop(move);
        return;
    }
    begin(f, &move->peer, move->realm);
    f->id = move->id;
    f->request.client = f->id;
    f->connected_at = move->connected_at;
    f->in = move->in;
    if (move->luggage != NULL) {
        relocate_arrive(f, move->luggage);
    } else {
        reception_arrive(f, move->login);
    }
}
