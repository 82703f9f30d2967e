// SPDX-License-Identifier: MIT
#include "proxy/frontend.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cidr.h"
#include "base/log.h"
#include "base/rand.h"
#include "pool/cancel.h"
#include "proxy/client_login.h"
#include "proxy/enter.h"
#include "proxy/follow.h"
#include "proxy/move.h"
#include "proxy/relay.h"
#include "proxy/reply.h"
#include "proxy/role_secret.h"
#include "proxy/timeouts.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/proxy_header.h"

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
    }
    deadline_disarm(&f->deadline); /* after letting go, which arms it for one who stays */
    deadline_disarm(&f->transaction_deadline);
    frontend_move(f, FRONTEND_CLOSED);
    leave_tenant(f);
    if (f->has_slot) {
        slots_give(&proxy->slots, f->slot);
        f->has_slot = false;
    }
    if (f->fetch != NULL) {
        role_secret_cancel(f->fetch);
        f->fetch = NULL;
    }
    client_login_free(f->login);
    f->login = NULL;
    buf_release(&f->in);
    list_remove(&f->expecting_node);
    list_remove(&f->node);
    proxy->client_count--;
}

static void say(struct frontend *f, const char *severity, const struct err *err)
{
    struct buf out = {0};

    error_build(&out, WIRE_ERROR, severity, err);
    (void)conn_send_slice(&f->conn, buf_slice(&out)); /* who does not listen has left already */
    buf_release(&out);
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
    if (err != NULL) {
        char peer[ADDR_TEXT];
        struct account *account = frontend_account(f);
        addr_print(&f->peer, peer, sizeof peer);
        log_info("client closed id=%llu peer=%s user=%s tenant=%s sqlstate=%s reason=\"%s\"",
                 (unsigned long long)f->id, peer, f->user == NULL ? "-" : f->user,
                 account == NULL ? "-" : account->name, err_sqlstate(err), err->text);
        if (account != NULL) {
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
    frontend_stats(f)->errors++;
    say(f, "ERROR", err);
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

static void on_login_timeout(struct deadline *deadline)
{
    struct frontend *f = container_of(deadline, struct frontend, deadline);
    struct err err;

    (void)err_set(&err, ERR_CANCELLED, "client_login_timeout%s",
                  f->state == FRONTEND_LOGIN ? "" : " (server down)");
    frontend_close(f, &err);
}

/* ParameterStatus, key and ReadyForQuery: from here on it is a session. */
void frontend_greet(struct frontend *f)
{
    struct buf out = {0};

    f->greeted = true;
    lane_note_time(f->request.lane, TIME_LOGIN, loop_now(f->proxy->loop) - f->connected_at);
    timeouts_at_rest(f);
    f->slot = slots_take(&f->proxy->slots, f);
    f->has_slot = true;
    struct cancel_key key = frontend_cancel_key(f);
    struct context *shown = follow_shown(f);
    reply_welcome(&out, f->request.lane->pool, shown, &key);
    context_unref(&f->proxy->pools.contexts, shown);
    (void)conn_send_slice(&f->conn, buf_slice(&out));
    buf_release(&out);
    relay_continue(f);
}

/* A connection leaves its loop only when all that was said is with the kernel; one that does not
 * even read what it is told at its login is closed. */
static bool may_leave(struct frontend *f)
{
    if (conn_blocked(&f->conn)) {
        frontend_close(f, NULL);
        return false;
    }
    return true;
}

static void hand_to_console(struct frontend *f, bool admin)
{
    struct proxy *proxy = f->proxy;
    struct console_client client = {.peer = f->peer, .admin = admin};

    (void)snprintf(client.user, sizeof client.user, "%s", f->user);
    if (!may_leave(f)) {
        return;
    }
    client.pending = f->in;
    f->in = (struct buf){0};
    unhook(f);
    proxy_uncount(proxy, &f->peer);
    client.socket = conn_detach(&f->conn);
    proxy->hooks.on_console(proxy->data, &client);
}

static void move_to(struct frontend *f, uint32_t worker)
{
    struct move *move;

    if (!may_leave(f)) {
        return;
    }
    move = x_alloc(sizeof *move);
    *move = (struct move){
        .in = f->in,
        .login = f->login,
        .realm = realm_ref(f->realm),
        .peer = f->peer,
        .id = f->id,
        .connected_at = f->connected_at,
    };
    f->in = (struct buf){0};
    f->login = NULL;
    unhook(f);
    move->socket = conn_detach(&f->conn);
    move_post(move, f->proxy->pools.crew, worker);
}

static void finish_login(struct frontend *f, struct enter_secret *secret);

static void on_role_secret(void *data, const struct enter_secret *found, const struct err *err)
{
    struct frontend *f = data;
    struct enter_secret fetched = *found;

    f->fetch = NULL;
    if (err != NULL) {
        frontend_close(f, err);
        return;
    }
    conn_resume(&f->conn);
    finish_login(f, &fetched);
}

static void fetch_role_secret(struct frontend *f, const struct enter_secret *wanted)
{
    struct secret_order order = {.realm = f->realm, .role = *wanted};

    conn_pause(&f->conn);
    f->fetch = role_secret_fetch(&f->proxy->secrets, f->proxy->loop, &order, on_role_secret, f);
}

/* Whoever asks first has it made; the others wait with it. */
static void expect_tenant(struct frontend *f, const char *tenant)
{
    conn_pause(&f->conn);
    list_push_tail(&f->proxy->expecting, &f->expecting_node);
    f->proxy->hooks.on_unknown(f->proxy->data, tenant);
}

void frontend_retry_login(struct frontend *f)
{
    struct enter_secret secret = {.secret = NULL};

    realm_unref(f->realm);
    f->realm = realm_ref(f->proxy->realm);
    conn_resume(&f->conn);
    finish_login(f, &secret);
}

/* The client is who it says it is: find its place. What it was told so far has been sent. */
static void finish_login(struct frontend *f, struct enter_secret *secret)
{
    struct err err = {0};
    const struct client_identity *identity = client_login_identity(f->login);
    uint32_t worker = 0;
    enum enter_result result = enter(f, identity, secret, &worker, &err);

    f->long_key = identity->long_key;
    switch (result) {
    case ENTER_REFUSED:
        frontend_close(f, &err);
        return;
    case ENTER_CONSOLE_ADMIN:
    case ENTER_CONSOLE_STATS:
        hand_to_console(f, result == ENTER_CONSOLE_ADMIN);
        return;
    case ENTER_ELSEWHERE:
        move_to(f, worker);
        return;
    case ENTER_NEEDS_SECRET:
        fetch_role_secret(f, secret);
        return;
    case ENTER_NEEDS_TENANT:
        expect_tenant(f, identity->tenant);
        return;
    case ENTER_TENANT:
        break;
    }
    client_login_free(f->login);
    f->login = NULL;
    realm_unref(f->realm); /* it would keep all tenants of that time */
    f->realm = NULL;
    frontend_move(f, FRONTEND_IDLE);
    if (parameters_known(&f->request.lane->pool->welcome) && f->request.context->proven) {
        frontend_greet(f);
    } else {
        relay_prove(f);
    }
}

/* `direct`: without having been asked, which only those may do who name the protocol. */
static void start_tls(struct frontend *f, bool direct)
{
    struct tls_start start = {.context = realm_client_tls(f->realm), .must_name = direct};

    if (conn_blocked(&f->conn) || conn_start_tls(&f->conn, &start) < 0) {
        frontend_close(f, NULL);
    }
}

static void on_secured(struct conn *conn, const struct err *err)
{
    struct frontend *f = container_of(conn, struct frontend, conn);
    char how[64];

    if (err != NULL) {
        frontend_close(f, err);
        return;
    }
    tls_describe(conn->tls, how, sizeof how);
    log_debug("client encrypted id=%llu tls=%s", (unsigned long long)f->id, how);
    client_login_secured(f->login, conn->tls);
}

/* PostgreSQL 17 clients may begin with TLS at once: its first byte is no length of a packet. */
static bool begins_with_tls(struct frontend *f)
{
    bool first = f->knocking;

    f->knocking = false;
    return first && realm_client_tls(f->realm) != NULL && f->peer.family != AF_UNIX &&
           conn_peek(&f->conn) == TLS_FIRST_BYTE;
}

static void follow_login(struct frontend *f, int result, const struct err *err)
{
    if (result < 0) {
        if (result == ERR_PASSWORD && f->proxy->addresses != NULL) {
            addresses_add_failure(f->proxy->addresses, &f->peer, loop_now(f->proxy->loop));
        }
        (void)conn_send_slice(&f->conn, client_login_output(f->login));
        frontend_close(f, err);
        return;
    }
    struct slice out = client_login_output(f->login);
    if (out.n > 0) {
        (void)conn_send_slice(&f->conn, out);
        client_login_sent(f->login);
    }
    switch ((enum client_login_result)result) {
    case CLIENT_LOGIN_MORE:
        break;
    case CLIENT_LOGIN_WORKING:
        conn_pause(&f->conn);
        break;
    case CLIENT_LOGIN_SECURE:
        start_tls(f, false);
        break;
    case CLIENT_LOGIN_CANCEL: {
        struct cancel_key key = client_login_cancel_key(f->login);
        proxy_cancel(f->proxy, &key);
        frontend_close(f, NULL);
        break;
    }
    case CLIENT_LOGIN_DONE:
        conn_resume(&f->conn);
        finish_login(f, &(struct enter_secret){0});
        break;
    }
}

/* Messages of a login are answered one by one, so what is kept is seldom more than the start of
 * one. */
static void read_login(struct frontend *f, struct slice view)
{
    size_t at = 0;

    while (f->state == FRONTEND_LOGIN && f->login != NULL) {
        struct err err = {0};
        size_t consumed = 0;
        int result = client_login_feed(f->login, slice_from(view, at), &consumed, &err);
        at += consumed;
        if (result == CLIENT_LOGIN_DONE) {
            conn_keep(&f->in, view, at); /* what follows is the session's, or the console's */
            follow_login(f, result, &err);
            return;
        }
        follow_login(f, result, &err);
        if (consumed == 0 || result != CLIENT_LOGIN_MORE) {
            break;
        }
    }
    if (f->state != FRONTEND_CLOSED) {
        conn_keep(&f->in, view, at);
    }
}

/* The thread pool is done. What the client sent meanwhile may be there already. */
static void on_login_step(void *data, int result, const struct err *err)
{
    struct frontend *f = data;

    follow_login(f, result, err);
    if (result == CLIENT_LOGIN_MORE) {
        conn_resume(&f->conn);
        read_login(f, buf_slice(&f->in));
    }
}

/* ---- bytes of the client ---- */

/* Before anything else: one address may not take all the room there is, nor try all passwords. */
static void check_address(struct frontend *f)
{
    struct proxy *proxy = f->proxy;
    const struct config *config = realm_config(f->realm);
    int most = config->limits.clients_per_address;
    int most_failed = config->limits.failed_logins_per_address;
    struct err err;

    if (proxy->addresses == NULL) {
        return;
    }
    uint32_t count = addresses_add(proxy->addresses, &f->peer);
    if (most > 0 && count > (uint32_t)most) {
        (void)err_set(&err, ERR_TOO_MANY,
                      "no more connections allowed from this address (limits.clients_per_address)");
        frontend_close(f, &err);
    } else if (most_failed > 0 &&
               addresses_failures(proxy->addresses, &f->peer, loop_now(proxy->loop)) >=
                   (uint32_t)most_failed) {
        (void)err_set(&err, ERR_TOO_MANY,
                      "too many failed logins from this address, try again in a minute "
                      "(limits.failed_logins_per_address)");
        frontend_close(f, &err);
    }
}

/* From here on it is the client whose connection the balancer passes on: in limits, rules, log. */
static void become(struct frontend *f, const struct proxy_header *header)
{
    if (header->ip_size > 0) {
        if (f->proxy->addresses != NULL) {
            addresses_remove(f->proxy->addresses, &f->peer);
        }
        f->peer = (struct addr){.family = header->ip_size == 4 ? AF_INET : AF_INET6,
                                .port = header->port};
        memcpy(f->peer.ip, header->ip, header->ip_size);
        client_login_relayed(f->login, &f->peer);
        check_address(f);
    }
}

/* Takes the header out of the socket, and no byte more: what follows may be TLS. */
static void read_header(struct frontend *f)
{
    struct proxy_header header;
    struct slice view;
    struct err err;
    ssize_t got = conn_look(&f->conn, &f->in, &view);

    if (got == UV_EAGAIN) {
        return;
    }
    int rc = got <= 0 ? 0 : proxy_header_parse(view, &header, &err);
    if (got <= 0 || rc < 0) {
        frontend_close(f, rc < 0 ? &err : NULL);
        return;
    }
    size_t kept = view.n - (size_t)got;
    conn_skip(&f->conn, rc == 0 ? (size_t)got : header.size - kept);
    conn_keep(&f->in, view, rc == 0 ? 0 : view.n);
    if (rc > 0) {
        f->announced = false;
        become(f, &header);
    }
}

static void on_readable(struct conn *conn)
{
    struct frontend *f = container_of(conn, struct frontend, conn);
    struct slice view;

    if (f->announced) {
        read_header(f);
        return;
    }
    if (f->knocking && begins_with_tls(f)) {
        start_tls(f, true);
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
        read_login(f, view);
        return;
    }
    size_t done = relay_up(f, view);
    if (f->state != FRONTEND_CLOSED) {
        conn_keep(&f->in, view, done);
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
    .on_secured = on_secured,
};

/* Is it one of the load balancers? */
static bool is_announced(const struct listen_config *listen, const struct addr *peer)
{
    uint8_t size = peer->family == AF_INET ? 4 : peer->family == AF_INET6 ? 16 : 0;
    struct cidr net;

    for (size_t i = 0; listen->proxy_protocol && i < listen->proxy_networks.count; i++) {
        if (cidr_parse(listen->proxy_networks.items[i], &net) && cidr_holds(&net, size, peer->ip)) {
            return true;
        }
    }
    return false;
}

/* A client in its first state, in the proxy's lists; its connection is open. */
static void begin(struct frontend *f, const struct addr *peer, const struct realm *realm)
{
    struct proxy *proxy = f->proxy;

    f->peer = *peer;
    f->realm = realm;
    f->request_at = loop_now(proxy->loop);
    list_init(&f->account_node);
    list_init(&f->expecting_node);
    list_init(&f->request.node);
    f->request.ops = &relay_request_ops;
    deadline_init(&f->deadline);
    deadline_init(&f->transaction_deadline);
    list_push_tail(&proxy->clients, &f->node);
    proxy->client_count++;
    deadline_arm(&proxy->loop->deadlines, &f->deadline,
                 (uint64_t)realm_config(f->realm)->limits.login_timeout, on_login_timeout);
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
    f->knocking = true;
    proxy->next_client += PROXY_IDS;
    f->id = proxy->next_client + proxy->worker;
    f->connected_at = f->request_at;
    atomic_fetch_add(proxy->clients_in_all, 1);
    struct client_login_needs needs = {
        .loop = proxy->loop, .realm = f->realm, .directory = proxy->directory};
    f->login = client_login_new(&needs, &origin, on_login_step, f);
    f->announced = is_announced(&realm_config(f->realm)->listen, peer);
    if (!f->announced) {
        check_address(f);
    } else if (proxy->addresses != NULL) { /* the balancer's own has no limit */
        (void)addresses_add(proxy->addresses, &f->peer);
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
    f->connected_at = move->connected_at;
    f->in = move->in;
    f->login = move->login;
    finish_login(f, &(struct enter_secret){0});
}
