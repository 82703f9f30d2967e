// SPDX-License-Identifier: MIT
#include "proxy/reception.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cidr.h"
#include "proxy/client_login.h"
#include "proxy/enter.h"
#include "proxy/frontend.h"
#include "proxy/move.h"
#include "proxy/relay.h"
#include "proxy/role_secret.h"
#include "proxy/trace.h"
#include "wire/proxy_header.h"

/* ---- the time for it ---- */

static void on_login_timeout(struct deadline *deadline)
{
    struct frontend *f = container_of(deadline, struct frontend, deadline);
    struct err err;

    (void)err_set(&err, ERR_CANCELLED, "client_login_timeout%s",
                  f->state == FRONTEND_LOGIN ? "" : " (server down)");
    frontend_close(f, &err);
}

void reception_start_clock(struct frontend *f)
{
    deadline_arm(&f->proxy->loop->deadlines, &f->deadline,
                 (uint64_t)realm_config(f->realm)->limits.login_timeout, on_login_timeout);
}

/* ---- strangers ---- */

/* ms: who has said nothing for as long makes room for others */
#define SILENCE 1000

/* It is its turn to speak. Bytes that are no message yet do not count: they would keep it for ever.
 */
static void await_client(struct frontend *f)
{
    f->request_at = loop_now(f->proxy->loop);
    list_remove(&f->login_node);
    list_push_tail(&f->proxy->strangers, &f->login_node);
}

void reception_leave(struct frontend *f)
{
    list_remove(&f->login_node);
    if (f->stranger) {
        f->stranger = false;
        atomic_fetch_sub(f->proxy->logins_in_all, 1);
    }
}

/* The one that has been silent longest, and long enough. */
static struct frontend *most_silent(struct proxy *proxy)
{
    struct list *node = list_head(&proxy->strangers);
    struct frontend *f = node == NULL ? NULL : container_of(node, struct frontend, login_node);

    return f != NULL && loop_now(proxy->loop) - f->request_at >= SILENCE ? f : NULL;
}

/* Before anything is proved a client costs memory all the same: there are so many of them at most.
 * Nobody keeps others out by saying nothing. */
static void count_stranger(struct frontend *f)
{
    struct proxy *proxy = f->proxy;
    uint32_t most = (uint32_t)realm_config(f->realm)->limits.logins;
    struct frontend *silent = most_silent(proxy);
    struct err err;

    f->stranger = true;
    if (atomic_fetch_add(proxy->logins_in_all, 1) >= most && most > 0) {
        (void)err_set(&err, ERR_TOO_MANY,
                      "no more connections allowed: too many are logging in (limits.logins)");
        frontend_close(silent != NULL ? silent : f, &err);
    }
    if (f->state != FRONTEND_CLOSED) {
        await_client(f);
    }
}

/* ---- its place ---- */

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
    client.socket = frontend_detach(f);
    proxy_uncount(proxy, &f->peer);
    proxy->hooks.on_console(proxy->data, &client);
}

static void move_to(struct frontend *f, uint32_t worker)
{
    struct crew *crew = f->proxy->pools.crew;
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
    move->socket = frontend_detach(f);
    move_post(move, crew, worker);
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
    list_push_tail(&f->proxy->expecting, &f->login_node);
    f->proxy->hooks.on_unknown(f->proxy->data, tenant);
}

void reception_retry(struct frontend *f)
{
    struct enter_secret secret = {.secret = NULL};

    realm_unref(f->realm);
    f->realm = realm_ref(f->proxy->realm);
    conn_resume(&f->conn);
    finish_login(f, &secret);
}

/* Tenants may have changed since the login began. */
static void follow_tenants(struct frontend *f)
{
    const struct realm *now = f->proxy->realm;

    if (f->realm != now && realm_config(f->realm) == realm_config(now)) {
        realm_unref(f->realm);
        f->realm = realm_ref(now);
    }
}

static void say_so_far(struct frontend *f)
{
    struct slice out = client_login_output(f->login);

    if (out.n > 0) {
        (void)conn_send_slice(&f->conn, out);
        client_login_sent(f->login);
    }
}

/* It has its place. What its login has still to say goes with the greeting, where that can be given
 * at once. */
static void begin_session(struct frontend *f)
{
    struct client_login *login = f->login;
    bool at_once = parameters_known(&f->request.birth->welcome) && f->request.context->proven;

    if (!at_once) {
        say_so_far(f);
    }
    f->login = NULL;
    realm_unref(f->realm); /* it would keep all tenants of that time */
    f->realm = NULL;
    frontend_move(f, FRONTEND_IDLE);
    if (at_once) {
        frontend_greet(f, client_login_output(login));
    } else {
        relay_prove(f);
    }
    client_login_free(login);
}

/* The client is who it says it is: find its place. */
static void finish_login(struct frontend *f, struct enter_secret *secret)
{
    struct err err;

    err_clear(&err);
    follow_tenants(f);
    const struct client_identity *identity = client_login_identity(f->login);
    uint32_t worker = 0;
    enum enter_result result = enter(f, identity, secret, &worker, &err);

    f->long_key = identity->long_key;
    if (result != ENTER_TENANT) {
        say_so_far(f);
    }
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
    begin_session(f);
}

/* ---- TLS ---- */

/* `direct`: without having been asked, which only those may do who name the protocol. */
static void start_tls(struct frontend *f, bool direct)
{
    struct tls_start start = {.context = realm_client_tls(f->realm), .must_name = direct};

    if (conn_blocked(&f->conn) || conn_start_tls(&f->conn, &start) < 0) {
        frontend_close(f, NULL);
    }
}

void reception_secured(struct conn *conn, const struct err *err)
{
    struct frontend *f = container_of(conn, struct frontend, conn);
    char how[64];

    if (err != NULL) {
        frontend_close(f, err);
        return;
    }
    tls_describe(conn->tls, how, sizeof how);
    trace_encrypted(f, how);
    client_login_secured(f->login, conn->tls);
    await_client(f);
}

/* PostgreSQL 17 clients may begin with TLS at once: its first byte is no length of a packet.
 * Returns whether all was done that can be: it has, or has not said a byte yet. */
static bool hear_knock(struct frontend *f)
{
    bool may_be_tls = realm_client_tls(f->realm) != NULL && f->peer.family != AF_UNIX;
    int first = may_be_tls ? conn_peek(&f->conn) : 0;

    if (first == UV_EAGAIN) {
        return true;
    }
    f->knocking = false;
    if (first == TLS_FIRST_BYTE) {
        start_tls(f, true);
    }
    return first == TLS_FIRST_BYTE;
}

/* ---- the exchange ---- */

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
    if (result != CLIENT_LOGIN_DONE) { /* else more is to be said, soon */
        say_so_far(f);
    }
    switch ((enum client_login_result)result) {
    case CLIENT_LOGIN_MORE:
        break;
    case CLIENT_LOGIN_WORKING:
        list_remove(&f->login_node); /* now it waits for us */
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
        reception_leave(f);
        conn_resume(&f->conn);
        finish_login(f, &(struct enter_secret){0});
        break;
    }
}

/* Messages of a login are answered one by one, so what is kept is seldom more than the start of
 * one. */
void reception_read(struct frontend *f, struct slice view)
{
    size_t at = 0;

    while (f->state == FRONTEND_LOGIN && f->login != NULL) {
        struct err err;
        size_t consumed = 0;
        err_clear(&err);
        int result = client_login_feed(f->login, slice_from(view, at), &consumed, &err);
        at += consumed;
        if (consumed > 0) {
            await_client(f);
        }
        if (result == CLIENT_LOGIN_DONE) {
            conn_keep_secret(&f->conn, &f->in, view, at); /* what follows is the session's */
            follow_login(f, result, &err);
            return;
        }
        follow_login(f, result, &err);
        if (consumed == 0 || result != CLIENT_LOGIN_MORE) {
            break;
        }
    }
    if (f->state == FRONTEND_CLOSED) {
        conn_wipe(&f->conn, view);
    } else {
        conn_keep_secret(&f->conn, &f->in, view, at);
    }
}

/* The thread pool is done. What the client sent meanwhile may be there already. */
static void on_login_step(void *data, int result, const struct err *err)
{
    struct frontend *f = data;

    follow_login(f, result, err);
    if (result == CLIENT_LOGIN_MORE) {
        await_client(f);
        conn_resume(&f->conn);
        reception_read(f, buf_slice(&f->in));
    }
}

/* ---- whose connection it is ---- */

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

bool reception_before_login(struct frontend *f)
{
    if (f->announced) {
        read_header(f);
        return true;
    }
    return f->knocking && hear_knock(f);
}

/* ---- */

void reception_begin(struct frontend *f, const struct client_origin *origin)
{
    struct proxy *proxy = f->proxy;
    struct client_login_needs needs = {
        .loop = proxy->loop, .realm = f->realm, .directory = proxy->directory};

    f->knocking = true;
    f->login = client_login_new(&needs, origin, on_login_step, f);
    f->announced = is_announced(&realm_config(f->realm)->listen, &f->peer);
    if (!f->announced) {
        check_address(f);
    } else if (proxy->addresses != NULL) { /* the balancer's own has no limit */
        (void)addresses_add(proxy->addresses, &f->peer);
    }
    if (f->state != FRONTEND_CLOSED) {
        count_stranger(f);
    }
}

void reception_arrive(struct frontend *f, struct client_login *login)
{
    f->login = login;
    finish_login(f, &(struct enter_secret){0});
}
