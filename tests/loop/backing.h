// SPDX-License-Identifier: MIT
//
// backing: one backend, its owner and its user, and the server that the test plays; with ways into
// every state. Shared by the tests of backends.
#ifndef TEST_LOOP_BACKING_H
#define TEST_LOOP_BACKING_H

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "loops.h"
#include "pool/backend.h"
#include "pool/credential.h"
#include "script.h"
#include "server.h"
#include "testing.h"

/* One backend, its owner and its user, and the server that the test plays. */
struct scene {
    struct loop loop;
    struct server *server;
    struct peer *peer;
    struct context_table contexts;
    struct credential credential;
    struct backend *b; /* NULL once it was freed */
    int ready;
    int abandoned;
    int gone;
    bool gone_in_login;
    struct err gone_err; /* code 0 where it was asked to close */
    int freed;
    struct buf got; /* by the user */
    int rests;
    int settled;
    int switched;
    int drained;
    int lost;
    int switch_failed;
    struct err err; /* that the user was told */
    bool full;      /* the user takes no more */
};

/* ---- the owner ---- */

static inline void on_ready(struct backend *b)
{
    ((struct scene *)b->owner)->ready++;
}

static inline void on_abandoned(struct backend *b)
{
    ((struct scene *)b->owner)->abandoned++;
}

static inline void on_gone(struct backend *b, bool login, const struct err *err)
{
    struct scene *s = b->owner;

    s->gone++;
    s->gone_in_login = login;
    s->gone_err = err == NULL ? (struct err){0} : *err;
}

static inline void on_free(struct backend *b)
{
    struct scene *s = b->owner;

    s->freed++;
    s->b = NULL;
    free(b);
}

static const struct backend_owner_ops owner_ops = {
    .on_ready = on_ready,
    .on_abandoned = on_abandoned,
    .on_gone = on_gone,
    .on_free = on_free,
};

/* ---- the user ---- */

static inline bool on_bytes(void *user, struct slice bytes)
{
    struct scene *s = user;

    buf_append_slice(&s->got, bytes);
    return s->full;
}

static inline bool on_report(void *user, struct slice name, struct slice value)
{
    (void)user;
    (void)name;
    (void)value;
    return true;
}

static inline void on_rest(void *user)
{
    ((struct scene *)user)->rests++;
}

static inline void on_settled(void *user)
{
    ((struct scene *)user)->settled++;
}

static inline void on_switched(void *user)
{
    ((struct scene *)user)->switched++;
}

static inline void on_drained(void *user)
{
    ((struct scene *)user)->drained++;
}

static inline void on_switch_failed(void *user, const struct err *err)
{
    struct scene *s = user;

    s->switch_failed++;
    s->err = *err;
}

static inline void on_lost(void *user, const struct err *err)
{
    struct scene *s = user;

    s->lost++;
    s->err = err == NULL ? (struct err){0} : *err;
}

static inline void on_reported(void *user)
{
    (void)user;
}

static const struct backend_user_ops user_ops = {
    .on_reported = on_reported,
    .on_bytes = on_bytes,
    .on_report = on_report,
    .on_rest = on_rest,
    .on_settled = on_settled,
    .on_switched = on_switched,
    .on_drained = on_drained,
    .on_switch_failed = on_switch_failed,
    .on_lost = on_lost,
};

/* ---- the scene ---- */

static inline void begin_with(struct scene *s, const char *secret, uint64_t timeout)
{
    static const char *const hosts[] = {"127.0.0.1"};

    *s = (struct scene){0};
    loops_begin(&s->loop);
    context_table_init(&s->contexts);
    s->server = server_new(&s->loop, false);
    credential_set_secret(&s->credential, secret);
    struct backend_target target = {
        .hosts = hosts,
        .host_count = 1,
        .port = s->server->port,
        .connect_timeout = timeout,
        .user = "app",
        .database = "shop",
        .credential = &s->credential,
    };
    s->b = x_zalloc(sizeof *s->b);
    s->b->contexts = &s->contexts;
    backend_start(s->b, &s->loop, &target, &owner_ops, s);
}

static inline void begin(struct scene *s)
{
    begin_with(s, NULL, 10000);
}

/* It is gone, once, and freed, once; nothing is left. */
static inline void end(struct scene *s)
{
    if (s->b != NULL) {
        backend_close(s->b, NULL);
    }
    loops_until_is(&s->loop, &s->freed, 1);
    server_close(s->server);
    loops_end(&s->loop);
    ck_assert_int_eq(s->gone, 1);
    ck_assert_int_eq(s->freed, 1);
    ck_assert_uint_eq(s->contexts.count, 0);
    context_table_fini(&s->contexts);
    credential_fini(&s->credential);
    buf_release(&s->got);
}

/* ---- ways into each state ---- */

struct state_fact {
    const struct scene *s;
    enum backend_state state;
};

static inline bool is_in_state(void *data)
{
    const struct state_fact *fact = data;

    return fact->s->b != NULL && fact->s->b->state == fact->state;
}

static inline void until_state(struct scene *s, enum backend_state state)
{
    struct state_fact fact = {.s = s, .state = state};

    loops_until(&s->loop, is_in_state, &fact, backend_state_name(state));
}

static inline void go_to_login(struct scene *s)
{
    until_state(s, BACKEND_LOGIN);
    s->peer = server_next(s->server);
    (void)peer_take_untyped(s->peer);
}

static inline void go_to_idle(struct scene *s)
{
    struct buf out = {0};

    go_to_login(s);
    server_build_greeting(&out, 4711);
    peer_send_buf(s->peer, &out);
    until_state(s, BACKEND_IDLE);
}

static inline void go_to_linked(struct scene *s)
{
    go_to_idle(s);
    backend_link(s->b, &user_ops, s);
}

/* The user sends these messages. */
static inline int ask(struct scene *s, const char *letters)
{
    static const char kinds[] = "?QFSPBDECc";
    struct buf out = {0};

    for (const char *at = letters; *at != '\0'; at++) {
        const char *kind = strchr(kinds, *at == 'f' ? 'c' : *at);
        if (kind != NULL) {
            (void)ledger_push(&s->b->ledger, (enum ledger_kind)(kind - kinds), LEDGER_FORWARD);
        }
    }
    script_client(&out, letters);
    struct slice bytes = buf_slice(&out);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
    int rc = backend_send(s->b, &piece, 1);
    buf_release(&out);
    return rc;
}

static inline void answer(struct scene *s, const char *letters)
{
    struct buf out = {0};

    script_server(&out, letters);
    peer_send_buf(s->peer, &out);
}

struct bytes_fact {
    const struct scene *s;
    size_t n;
};

static inline bool user_has(void *data)
{
    const struct bytes_fact *fact = data;

    return buf_size(&fact->s->got) >= fact->n;
}

/* Runs until the user has got exactly these messages. */
static inline void user_gets(struct scene *s, const char *letters)
{
    struct buf should = {0};
    script_server(&should, letters);
    struct bytes_fact fact = {.s = s, .n = should.len};

    loops_until(&s->loop, user_has, &fact, letters);
    ck_assert(slice_eq(buf_slice(&s->got), buf_slice(&should)));
    buf_release(&should);
}

static inline void go_to_cleaning(struct scene *s)
{
    go_to_linked(s);
    ck_assert_int_eq(ask(s, "Q"), 0);
    peer_expect(s->peer, "Q");
    backend_unlink(s->b, NULL, false);
}

static inline void go_to_held(struct scene *s)
{
    go_to_linked(s);
    s->b->cancel =
        (struct cancel *)(void *)s; /* as cancel_send does: what counts is that there is one */
    backend_unlink(s->b, NULL, false);
}

static inline void go_to_closed(struct scene *s)
{
    go_to_idle(s);
    backend_close(s->b, NULL);
}

static inline void stay(struct scene *s)
{
    (void)s;
}

static void (*const ways[BACKEND_STATES])(struct scene *s) = {
    [BACKEND_CONNECTING] = stay,         [BACKEND_LOGIN] = go_to_login,
    [BACKEND_IDLE] = go_to_idle,         [BACKEND_LINKED] = go_to_linked,
    [BACKEND_CLEANING] = go_to_cleaning, [BACKEND_HELD] = go_to_held,
    [BACKEND_CLOSED] = go_to_closed,
};

#endif
