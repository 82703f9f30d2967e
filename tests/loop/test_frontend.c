// SPDX-License-Identifier: MIT
//
// The end of a client: gone, closed or shut out in every state that it can be in, and what becomes
// of its server connection then.
#include "proxy/frontend.h"

#include <string.h>

#include "loops.h"
#include "pool/cancel.h"
#include "script.h"
#include "stage.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/cursor.h"

/* Every limit is set, so that one left armed is found at the end of the loop. */
#define LIMITS      "timeouts: {query: 1m, transaction: 1m, idle_transaction: 1m, client_idle: 1m}"
#define PLAIN       "{defaults: {strategy: none, pool: {size: 1}, " LIMITS "}, acme: {}, globex: {}}"
#define TWO_TENANTS "{defaults: {strategy: rls, pool: {size: 1}, " LIMITS "}, acme: {}, globex: {}}"

/* One client in some state; `server` is NULL where no connection was made for it. */
struct scene {
    struct stage s;
    struct peer *client;
    struct peer *server;
    struct frontend *f;
};

static void finish_scene(struct scene *x)
{
    x->f = stage_frontend(&x->s);
}

/* ---- ways into every state, and places within them ---- */

static void before_startup(struct scene *x)
{
    stage_begin(&x->s, "", PLAIN);
    x->client = stage_connect(&x->s);
}

static void within_startup(struct scene *x)
{
    before_startup(x);
    peer_send(x->client, slice_of("\0\0\0\50\0\3\0\0user", 12));
}

static void before_password(struct scene *x)
{
    stage_begin_with(&x->s, "", PLAIN,
                     "auth: {method: password}\nusers: {app: {password: secret, tenants: ['*']}}");
    x->client = stage_knock(&x->s, "app.acme");
    peer_expect(x->client, "R");
}

/* A plain password against SCRAM keys is checked in the thread pool. */
static void checking_password(struct scene *x)
{
    struct buf out = {0};

    stage_begin_with(&x->s, "", PLAIN,
                     "auth: {method: password}\n"
                     "users: {app: {tenants: ['*'], password: 'SCRAM-SHA-256$100000:"
                     "c2FsdHNhbHRzYWx0c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='}}");
    x->client = stage_knock(&x->s, "app.acme");
    peer_expect(x->client, "R");
    build_password(&out, slice_of("secret", 7));
    peer_send_buf(x->client, &out);
}

static void waiting_for_greeting(struct scene *x)
{
    stage_begin(&x->s, "", PLAIN);
    x->s.server->greets = false;
    x->client = stage_knock(&x->s, "app.acme");
    peer_expect(x->client, "R");
    x->server = server_next(x->s.server);
    (void)peer_take_untyped(x->server);
}

static void proving_context(struct scene *x)
{
    stage_begin(&x->s, "", TWO_TENANTS);
    x->client = stage_knock(&x->s, "app.acme");
    peer_expect(x->client, "R");
    x->server = server_next(x->s.server);
    peer_expect(x->server, "PBEPBEPBES");
}

static void idle(struct scene *x)
{
    stage_begin(&x->s, "", PLAIN);
    x->client = stage_login(&x->s, "app.acme");
    x->server = server_next(x->s.server);
}

static void waiting(struct scene *x)
{
    stage_begin(&x->s, "", PLAIN);
    struct peer *holder = stage_login(&x->s, "app.globex");
    x->server = server_next(x->s.server);
    stage_ask(holder, "Q");
    peer_expect(x->server, "Q");
    x->client = stage_login(&x->s, "app.acme");
    stage_ask(x->client, "Q");
    stage_until_state(&x->s, FRONTEND_WAITING);
}

static void within_query(struct scene *x)
{
    idle(x);
    stage_ask(x->client, "Q");
    peer_expect(x->server, "Q");
}

static void within_transaction(struct scene *x)
{
    within_query(x);
    stage_answer(x->server, "CZT");
    peer_expect(x->client, "CZT");
}

static void within_batch(struct scene *x)
{
    idle(x);
    stage_ask(x->client, "PBE");
    peer_expect(x->server, "PBE");
}

static void within_message(struct scene *x)
{
    struct buf query = {0};

    idle(x);
    build_query(&query, "SELECT 'never finished'");
    peer_send(x->client, slice_head(buf_slice(&query), 12));
    (void)peer_take_bytes(x->server, 12);
    buf_release(&query);
}

static void within_copy(struct scene *x)
{
    within_query(x);
    stage_answer(x->server, "G");
    peer_expect(x->client, "G");
}

static void holding(struct scene *x)
{
    stage_begin(&x->s, "", TWO_TENANTS);
    x->client = stage_knock(&x->s, "app.acme");
    x->server = server_next(x->s.server);
    peer_expect(x->server, "PBEPBEPBES");
    stage_answer(x->server, "12C12DC12CZI");
    peer_expect(x->client, "R" STAGE_GREETING);
    struct backend *b = container_of(list_head(&stage_frontend(&x->s)->request.lane->pool->all),
                                     struct backend, pool_node);
    b->context_unknown = true;
    stage_ask(x->client, "Q");
    peer_expect(x->server, "BEBEBEQ");
}

static void in_session(struct scene *x)
{
    stage_begin(&x->s, "", "{acme: {strategy: none, pool: {size: 1, mode: session}, " LIMITS "}}");
    x->client = stage_login(&x->s, "app.acme");
    x->server = server_next(x->s.server);
    stage_ask(x->client, "Q");
    peer_expect(x->server, "Q");
    stage_answer(x->server, "CZI");
    peer_expect(x->client, "CZI");
}

struct place {
    const char *name;
    void (*way)(struct scene *x);
    enum frontend_state state;
    bool paused; /* it has said what cannot be taken yet: that it left is found out later */
};

static const struct place places[] = {
    {"before its startup packet", before_startup, FRONTEND_LOGIN, false},
    {"within its startup packet", within_startup, FRONTEND_LOGIN, false},
    {"before its password", before_password, FRONTEND_LOGIN, false},
    {"while its password is checked", checking_password, FRONTEND_LOGIN, true},
    {"before its greeting", waiting_for_greeting, FRONTEND_WAITING, false},
    {"while its context is tried", proving_context, FRONTEND_LINKED, false},
    {"idle", idle, FRONTEND_IDLE, false},
    {"waiting", waiting, FRONTEND_WAITING, false},
    {"within a query", within_query, FRONTEND_LINKED, false},
    {"within a transaction", within_transaction, FRONTEND_LINKED, false},
    {"within a batch", within_batch, FRONTEND_LINKED, false},
    {"within a message", within_message, FRONTEND_LINKED, false},
    {"within a copy", within_copy, FRONTEND_LINKED, false},
    {"while a switch is under way", holding, FRONTEND_LINKED, true},
    {"in session mode", in_session, FRONTEND_LINKED, false},
};

#define PLACES ((int)(sizeof places / sizeof places[0]))

static void arrive(struct scene *x, int i)
{
    *x = (struct scene){0};
    places[i].way(x);
    finish_scene(x);
    if (places[i].way == checking_password) {
        loops_until_true(&x->s.loop, &x->f->conn.paused);
    }
    ck_assert_msg(x->f->state == places[i].state, "%s: the state is %s", places[i].name,
                  frontend_state_name(x->f));
}

START_TEST(a_client_that_leaves_is_gone_once_and_leaves_nothing)
{
    struct scene x;
    arrive(&x, _i);
    int before = x.s.gone;

    peer_close(x.client);
    if (!places[_i].paused) {
        loops_until_is(&x.s.loop, &x.s.gone, before + 1);
    }

    stage_end(&x.s);
}
END_TEST

START_TEST(a_client_can_be_closed_and_is_told_why)
{
    struct scene x;
    struct err err;
    arrive(&x, _i);
    int before = x.s.gone;
    (void)err_set(&err, ERR_SHUTDOWN, "go away");

    frontend_close(x.f, &err);
    frontend_close(x.f, &err);
    ck_assert_str_eq(stage_expect_error(x.client, "57P01"), "go away");
    peer_expect_end(x.client);
    loops_until_is(&x.s.loop, &x.s.gone, before + 1);

    stage_end(&x.s);
}
END_TEST

START_TEST(a_proxy_can_be_closed_whatever_its_client_does)
{
    struct scene x;
    arrive(&x, _i);

    proxy_close(&x.s.proxy);
    (void)stage_expect_error(x.client, "57P01");
    peer_expect_end(x.client);

    while (!list_empty(&x.s.clients)) { /* of another client, where there is one */
        peer_drop(container_of(list_head(&x.s.clients), struct peer, node));
    }
    stage_end(&x.s);
}
END_TEST

START_TEST(a_server_that_goes_away_leaves_nothing_behind)
{
    struct scene x;
    arrive(&x, _i);
    if (x.server == NULL) {
        stage_end(&x.s);
        return;
    }

    server_stop_listening(x.s.server);
    peer_drop(x.server);
    x.s.server->greets = false;
    loop_turn(&x.s.loop, false);

    while (!list_empty(&x.s.clients)) { /* they may have been told */
        peer_drop(container_of(list_head(&x.s.clients), struct peer, node));
    }
    stage_end(&x.s);
}
END_TEST

/* ---- what becomes of the server connection ---- */

/* The server's end of a CancelRequest. */
static void take_cancel(struct scene *x)
{
    struct peer *peer = server_next(x->s.server);
    struct cursor c = cursor_of(peer_take_untyped(peer));

    ck_assert_uint_eq(cursor_be32(&c), WIRE_CANCEL_REQUEST);
    peer_close(peer);
}

static bool is_idle_again(void *data)
{
    struct scene *x = data;
    struct host *host = x->s.proxy.pools.hosts;

    return !list_empty(&host->idle);
}

static void until_idle_again(struct scene *x)
{
    loops_until(&x->s.loop, is_idle_again, x, "an idle server connection");
    ck_assert_int_eq(x->s.server->accepted - x->s.server->given, 0);
}

START_TEST(a_query_of_one_who_left_is_cancelled_and_its_answer_goes_nowhere)
{
    struct scene x = {0};
    within_query(&x);

    peer_close(x.client);
    take_cancel(&x);
    stage_answer(x.server, "EZI");
    until_idle_again(&x);

    stage_end(&x.s);
}
END_TEST

START_TEST(a_transaction_of_one_who_left_is_rolled_back)
{
    struct scene x = {0};
    within_transaction(&x);

    peer_close(x.client);
    stage_expect_query(x.server, "ROLLBACK");
    stage_answer(x.server, "CZI");
    until_idle_again(&x);

    stage_end(&x.s);
}
END_TEST

START_TEST(a_terminate_in_a_transaction_is_an_end_like_any_other)
{
    struct scene x = {0};
    within_transaction(&x);

    stage_ask(x.client, "X");
    peer_expect_end(x.client);
    stage_expect_query(x.server, "ROLLBACK");
    stage_answer(x.server, "CZI");
    until_idle_again(&x);

    stage_end(&x.s);
}
END_TEST

START_TEST(a_batch_of_one_who_left_is_ended_with_a_sync)
{
    struct scene x = {0};
    within_batch(&x);

    peer_close(x.client);
    peer_expect(x.server, "S");
    take_cancel(&x);
    stage_answer(x.server, "12CZI");
    until_idle_again(&x);

    stage_end(&x.s);
}
END_TEST

START_TEST(half_a_message_of_one_who_left_closes_the_connection)
{
    struct scene x = {0};
    within_message(&x);

    peer_close(x.client);
    peer_expect_end(x.server);

    stage_end(&x.s);
}
END_TEST

START_TEST(a_copy_of_one_who_left_closes_the_connection)
{
    struct scene x = {0};
    within_copy(&x);

    peer_close(x.client);
    peer_expect_end(x.server);

    stage_end(&x.s);
}
END_TEST

START_TEST(a_session_that_was_left_is_reset)
{
    struct scene x = {0};
    in_session(&x);

    peer_close(x.client);
    stage_expect_query(x.server, "DISCARD ALL");
    stage_answer(x.server, "CZI");
    until_idle_again(&x);

    stage_end(&x.s);
}
END_TEST

START_TEST(one_who_leaves_the_queue_is_gone_at_once_and_its_query_is_never_run)
{
    struct scene x = {0};
    waiting(&x);
    struct peer *holder = container_of(list_head(&x.s.clients), struct peer, node);

    peer_close(x.client);
    loops_until_is(&x.s.loop, &x.s.gone, 1);
    stage_answer(x.server, "CZI");
    peer_expect(holder, "CZI");
    stage_query(holder, "SELECT 'next'");
    stage_expect_query(x.server, "SELECT 'next'");

    stage_end(&x.s);
}
END_TEST

START_TEST(of_one_who_leaves_while_a_switch_is_under_way_the_query_is_cancelled)
{
    struct scene x = {0};
    holding(&x);

    peer_close(x.client);
    stage_answer(x.server, "2C2DC2C");
    take_cancel(&x);
    stage_answer(x.server, "EZI");
    until_idle_again(&x);

    stage_end(&x.s);
}
END_TEST

/* ---- cancel ---- */

/* A CancelRequest over a connection of its own, with the key of the client that came last. */
static void ask_to_cancel(struct scene *x, uint8_t change, uint32_t worker)
{
    struct buf out = {0};
    struct cancel_key key = frontend_cancel_key(x->f);
    struct peer *peer = stage_connect(&x->s);

    key.bytes[0] ^= change;
    build_cancel(&out, slot_pid(worker, x->f->slot), slice_of(key.bytes, key.n));
    peer_send_buf(peer, &out);
    peer_expect_end(peer);
}

START_TEST(a_cancel_request_cancels_what_the_client_runs)
{
    struct scene x = {0};
    within_query(&x);
    finish_scene(&x);

    ask_to_cancel(&x, 0, 3);
    struct peer *cancel = server_next(x.s.server);
    struct cursor c = cursor_of(peer_take_untyped(cancel));
    ck_assert_uint_eq(cursor_be32(&c), WIRE_CANCEL_REQUEST);
    ck_assert_uint_eq(cursor_be32(&c), x.f->backend->pid);
    ck_assert(slice_eq(c.left, x.f->backend->key));
    peer_close(cancel);
    stage_answer(x.server, "EZI");
    peer_expect(x.client, "EZI");

    stage_end(&x.s);
}
END_TEST

START_TEST(a_connection_goes_to_nobody_while_a_cancel_for_its_last_client_is_under_way)
{
    struct scene x = {0};
    waiting(&x);
    struct peer *holder = container_of(list_head(&x.s.clients), struct peer, node);
    x.f = container_of(list_head(&x.s.proxy.clients), struct frontend, node);
    ask_to_cancel(&x, 0, 3);
    struct peer *cancel = server_next(x.s.server);
    (void)peer_take_untyped(cancel);

    stage_answer(x.server, "CZI"); /* the query was over before it arrived */
    peer_expect(holder, "CZI");
    ck_assert_uint_eq(buf_size(&x.server->got), 0);
    peer_close(cancel);
    peer_expect(x.server, "PBEQ");
    stage_answer(x.server, "12CCZI");

    peer_expect(x.client, "CZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(a_cancel_request_takes_a_waiting_query_out_of_the_queue)
{
    struct scene x = {0};
    waiting(&x);
    finish_scene(&x);

    ask_to_cancel(&x, 0, 3);
    (void)stage_expect_error(x.client, "57014");
    peer_expect(x.client, "ZI");

    ck_assert_int_eq(x.f->state, FRONTEND_IDLE);
    ck_assert_uint_eq(x.f->request.lane->pool->waiting, 0);
    stage_end(&x.s);
}
END_TEST

START_TEST(a_cancel_request_with_a_wrong_key_does_nothing)
{
    struct scene x = {0};
    within_query(&x);
    finish_scene(&x);

    ask_to_cancel(&x, 1, 3);

    ck_assert_ptr_null(x.f->backend->cancel);
    ck_assert_int_eq(x.s.server->accepted, 1);
    stage_end(&x.s);
}
END_TEST

START_TEST(a_cancel_request_for_an_idle_client_does_nothing)
{
    struct scene x = {0};
    idle(&x);
    finish_scene(&x);

    ask_to_cancel(&x, 0, 3);

    ck_assert_int_eq(x.s.server->accepted, 1);
    stage_end(&x.s);
}
END_TEST

START_TEST(a_cancel_request_for_another_worker_is_handed_on)
{
    struct scene x = {0};
    within_query(&x);
    finish_scene(&x);

    ask_to_cancel(&x, 0, 4);

    ck_assert_int_eq(x.s.foreign_cancels, 1);
    ck_assert_ptr_null(x.f->backend->cancel);
    stage_end(&x.s);
}
END_TEST

/* ---- drain ---- */

START_TEST(a_drain_closes_who_is_idle_at_once_and_others_after_their_transaction)
{
    struct scene x = {0};
    within_transaction(&x);

    proxy_drain(&x.s.proxy, PROXY_DRAIN_SERVERS);
    stage_ask(x.client, "Q");
    peer_expect(x.server, "Q");
    stage_answer(x.server, "CZI");
    peer_expect(x.client, "CZI");
    (void)stage_expect_error(x.client, "57P01");
    peer_expect_end(x.client);

    stage_end(&x.s);
}
END_TEST

START_TEST(a_client_that_came_before_the_hand_over_is_let_in)
{
    struct scene x = {0};
    idle(&x);

    proxy_drain(&x.s.proxy, PROXY_DRAIN_HANDED_OVER);

    (void)stage_login(&x.s, "app.acme");
    stage_end(&x.s);
}
END_TEST

START_TEST(a_drain_that_waits_for_clients_lets_them_go_on_and_lets_nobody_in)
{
    struct scene x = {0};
    idle(&x);

    proxy_drain(&x.s.proxy, PROXY_DRAIN_CLIENTS);
    stage_ask(x.client, "Q");
    peer_expect(x.server, "Q");
    stage_answer(x.server, "CZI");
    struct peer *late = stage_knock(&x.s, "app.acme");
    peer_expect(late, "R");
    (void)stage_expect_error(late, "57P01");
    peer_expect_end(late);

    peer_expect(x.client, "CZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(a_client_of_the_console_is_handed_over_with_what_it_has_said)
{
    struct stage s;
    struct buf out = {0};
    stage_begin_with(&s, "", PLAIN, "auth: {method: trust}\nadmin: {users: [admin]}");
    struct peer *client = stage_connect(&s);
    size_t start = build_startup_begin(&out, WIRE_PROTOCOL_3_0);
    build_startup_parameter(&out, slice_str("user"), slice_str("admin"));
    build_startup_parameter(&out, slice_str("database"), slice_str("fahrend"));
    build_startup_end(&out, start);
    script_client(&out, "Q");

    peer_send_buf(client, &out);
    loops_until_is(&s.loop, &s.consoles, 1);
    peer_expect(client, "R");

    ck_assert(s.console.admin);
    ck_assert_str_eq(s.console.user, "admin");
    script_client(&out, "Q");
    ck_assert(slice_eq(buf_slice(&s.console.pending), buf_slice(&out)));
    buf_release(&out);
    stage_end(&s);
}
END_TEST

START_TEST(a_login_that_takes_too_long_is_ended)
{
    struct stage s;
    stage_begin_with(&s, "", PLAIN, "auth: {method: trust}\nlimits: {login_timeout: 30ms}");
    struct peer *client = stage_connect(&s);

    const char *message = stage_expect_error(client, "57014");
    ck_assert_ptr_nonnull(strstr(message, "client_login_timeout"));
    peer_expect_end(client);

    stage_end(&s);
}
END_TEST

static void add_ends(TCase *all)
{
    tcase_add_loop_test(all, a_client_that_leaves_is_gone_once_and_leaves_nothing, 0, PLACES);
    tcase_add_loop_test(all, a_client_can_be_closed_and_is_told_why, 0, PLACES);
    tcase_add_loop_test(all, a_proxy_can_be_closed_whatever_its_client_does, 0, PLACES);
    tcase_add_loop_test(all, a_server_that_goes_away_leaves_nothing_behind, 0, PLACES);
    tcase_add_test(all, a_query_of_one_who_left_is_cancelled_and_its_answer_goes_nowhere);
    tcase_add_test(all, a_transaction_of_one_who_left_is_rolled_back);
    tcase_add_test(all, a_terminate_in_a_transaction_is_an_end_like_any_other);
    tcase_add_test(all, a_batch_of_one_who_left_is_ended_with_a_sync);
    tcase_add_test(all, half_a_message_of_one_who_left_closes_the_connection);
    tcase_add_test(all, a_copy_of_one_who_left_closes_the_connection);
    tcase_add_test(all, a_session_that_was_left_is_reset);
    tcase_add_test(all, one_who_leaves_the_queue_is_gone_at_once_and_its_query_is_never_run);
    tcase_add_test(all, of_one_who_leaves_while_a_switch_is_under_way_the_query_is_cancelled);
}

static void add_orders(TCase *all)
{
    tcase_add_test(all, a_cancel_request_cancels_what_the_client_runs);
    tcase_add_test(all,
                   a_connection_goes_to_nobody_while_a_cancel_for_its_last_client_is_under_way);
    tcase_add_test(all, a_cancel_request_takes_a_waiting_query_out_of_the_queue);
    tcase_add_test(all, a_cancel_request_with_a_wrong_key_does_nothing);
    tcase_add_test(all, a_cancel_request_for_an_idle_client_does_nothing);
    tcase_add_test(all, a_cancel_request_for_another_worker_is_handed_on);
    tcase_add_test(all, a_drain_closes_who_is_idle_at_once_and_others_after_their_transaction);
    tcase_add_test(all, a_drain_that_waits_for_clients_lets_them_go_on_and_lets_nobody_in);
    tcase_add_test(all, a_client_that_came_before_the_hand_over_is_let_in);
    tcase_add_test(all, a_client_of_the_console_is_handed_over_with_what_it_has_said);
    tcase_add_test(all, a_login_that_takes_too_long_is_ended);
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("frontend");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    add_ends(all);
    add_orders(all);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
