// SPDX-License-Identifier: MIT
//
// What passes between a client and its server connection: links and their end, pipelines, copies,
// errors of ours and what is skipped behind them, back-pressure both ways.
#include "proxy/relay.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "loops.h"
#include "pool/pool.h"
#include "script.h"
#include "stage.h"
#include "testing.h"
#include "wire/build.h"

/* Tenants without a context: what goes to the server is the client's alone. */
#define PLAIN "{defaults: {strategy: none, pool: {size: 1}}, acme: {}, globex: {}}"

/* A client that is logged in, and the connection that its login made. */
static struct peer *login(struct stage *s, const char *user, struct peer **server)
{
    struct peer *client = stage_login(s, user);

    *server = server_next(s->server);
    return client;
}

/* ---- links ---- */

START_TEST(a_connection_is_let_go_when_the_transaction_is_over)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "Q");
    peer_expect(server, "Q");
    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_LINKED);
    stage_answer(server, "CZT");
    peer_expect(client, "CZT");
    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_LINKED);
    stage_ask(client, "Q");
    peer_expect(server, "Q");
    stage_answer(server, "CZI");
    peer_expect(client, "CZI");

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

START_TEST(in_session_mode_it_is_kept)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", "{acme: {strategy: none, pool: {size: 1, mode: session}}}");
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "Q");
    peer_expect(server, "Q");
    stage_answer(server, "CZI");
    peer_expect(client, "CZI");

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_LINKED);
    stage_end(&s);
}
END_TEST

START_TEST(a_batch_without_sync_keeps_the_link)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "PDH");
    peer_expect(server, "PDH");
    stage_answer(server, "1T");
    peer_expect(client, "1T");
    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_LINKED);
    stage_ask(client, "BES");
    peer_expect(server, "BES");
    stage_answer(server, "2CZI");
    peer_expect(client, "2CZI");

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

START_TEST(a_flush_of_nothing_takes_no_connection)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "HHQ");
    peer_expect(server, "Q");
    stage_answer(server, "CZI");
    peer_expect(client, "CZI");

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

START_TEST(a_connection_left_serves_the_next_client_at_once)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *first = login(&s, "app.acme", &server);
    struct peer *second = stage_login(&s, "app.globex");
    stage_query(first, "SELECT 'first'");
    stage_expect_query(server, "SELECT 'first'");
    stage_query(second, "SELECT 'second'");
    stage_until_state(&s, FRONTEND_WAITING);

    stage_answer(server, "TDCZI");
    peer_expect(first, "TDCZI");
    peer_expect(server, "PBE"); /* another tenant: DISCARD ALL */
    stage_expect_query(server, "SELECT 'second'");
    stage_answer(server, "12CTDCZI");

    peer_expect(second, "TDCZI");
    stage_end(&s);
}
END_TEST

START_TEST(what_was_sent_before_the_greeting_is_answered_after_it)
{
    struct stage s;
    stage_begin(&s, "", PLAIN);
    struct peer *client = stage_knock(&s, "app.acme");

    stage_ask(client, "Q");
    struct peer *server = server_next(s.server);
    peer_expect(client, "R" STAGE_GREETING);
    peer_expect(server, "Q");
    stage_answer(server, "TDCZI");

    peer_expect(client, "TDCZI");
    stage_end(&s);
}
END_TEST

/* ---- pipelines ---- */

START_TEST(many_pipelined_batches_are_answered_in_order)
{
    struct stage s;
    struct peer *server;
    struct buf out = {0};
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    for (int i = 0; i < 1000; i++) {
        script_client(&out, "PBES");
    }
    peer_send_buf(client, &out);
    for (int i = 0; i < 1000; i++) {
        peer_expect(server, "PBES");
    }
    for (int i = 0; i < 1000; i++) {
        script_server(&out, i % 10 == 9 ? "EZI" : "12DCZI");
    }
    peer_send_buf(server, &out);
    for (int i = 0; i < 1000; i++) {
        peer_expect(client, i % 10 == 9 ? "EZI" : "12DCZI");
    }

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

START_TEST(a_query_behind_a_failed_parse_is_skipped_by_both_sides)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "PQS");
    peer_expect(server, "PQS");
    stage_answer(server, "EZI");
    peer_expect(client, "EZI");
    stage_ask(client, "Q");
    peer_expect(server, "Q");
    stage_answer(server, "CZI");

    peer_expect(client, "CZI");
    stage_end(&s);
}
END_TEST

START_TEST(what_is_sent_behind_an_answered_error_is_skipped_up_to_sync)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "PBEH");
    peer_expect(server, "PBEH");
    stage_answer(server, "E");
    peer_expect(client, "E");
    stage_ask(client, "PBEQ"); /* the server answers none of them */
    peer_expect(server, "PBEQ");
    stage_ask(client, "S");
    peer_expect(server, "S");
    stage_answer(server, "ZI");
    peer_expect(client, "ZI");

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

/* ---- copies ---- */

START_TEST(a_copy_from_the_client_is_passed_on)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "Q");
    peer_expect(server, "Q");
    stage_answer(server, "G");
    peer_expect(client, "G");
    stage_ask(client, "ddc");
    peer_expect(server, "ddc");
    stage_answer(server, "CZI");
    peer_expect(client, "CZI");

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

START_TEST(an_extended_copy_is_passed_on)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "PBES");
    peer_expect(server, "PBES");
    stage_answer(server, "12G");
    peer_expect(client, "12G");
    stage_ask(client, "ddcS");
    peer_expect(server, "ddcS");
    stage_answer(server, "CZI");
    peer_expect(client, "CZI");

    ck_assert_int_eq(stage_frontend(&s)->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

START_TEST(what_is_left_of_a_failed_copy_goes_nowhere)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    stage_ask(client, "Q");
    peer_expect(server, "Q");
    stage_answer(server, "GEZI");
    peer_expect(client, "GEZI");

    stage_ask(client, "dddcQ");
    peer_expect(server, "Q");
    stage_answer(server, "CZI");

    peer_expect(client, "CZI");
    stage_end(&s);
}
END_TEST

START_TEST(after_a_failed_extended_copy_the_connection_is_not_used_again)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    stage_ask(client, "PBES");
    peer_expect(server, "PBES");
    stage_answer(server, "12GE");
    peer_expect(client, "12GE");

    stage_ask(client, "fS"); /* no copy waits for the end of one any more */
    peer_expect(server, "S");
    stage_answer(server, "ZI");
    peer_expect(client, "ZI");
    peer_expect(server, "X");
    peer_expect_end(server);

    stage_end(&s);
}
END_TEST

/* ---- errors of ours ---- */

static bool has_no_connection(void *data)
{
    return ((const struct pool *)data)->count == 0;
}

/* The server is gone and known to be: what the client asks fails at once. */
static void lose_server(struct stage *s, struct peer *server)
{
    struct pool *pool = stage_frontend(s)->request.lane->pool;

    server_stop_listening(s->server);
    peer_close(server);
    loops_until(&s->loop, has_no_connection, pool, "the end of the server's connection");
}

#define FAILS_FAST "connect_timeout: 30ms, login_retry: 1m"

START_TEST(a_query_without_a_server_is_answered_with_an_error_and_the_session_goes_on)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, FAILS_FAST, PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    lose_server(&s, server);

    stage_ask(client, "Q");
    (void)stage_expect_error(client, "08006");
    peer_expect(client, "ZI");
    stage_ask(client, "Q");
    (void)stage_expect_error(client, "08006");
    peer_expect(client, "ZI");

    stage_end(&s);
}
END_TEST

START_TEST(an_extended_batch_without_a_server_fails_once_and_is_skipped_to_its_sync)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, FAILS_FAST, PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    lose_server(&s, server);

    stage_ask(client, "PBD");
    (void)stage_expect_error(client, "08006");
    stage_ask(client, "EPBEQ"); /* a server would skip these, too */
    stage_ask(client, "S");
    peer_expect(client, "ZI");

    stage_end(&s);
}
END_TEST

START_TEST(every_pipelined_batch_without_a_server_has_its_own_answer)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, FAILS_FAST, PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    lose_server(&s, server);

    stage_ask(client, "QPBESQ");
    for (int i = 0; i < 3; i++) {
        (void)stage_expect_error(client, "08006");
        peer_expect(client, "ZI");
    }

    stage_end(&s);
}
END_TEST

START_TEST(a_large_query_without_a_server_is_skipped_whole)
{
    struct stage s;
    struct peer *server;
    struct buf out = {0};
    stage_begin(&s, FAILS_FAST, PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    lose_server(&s, server);
    char *sql = x_alloc(1000001);
    memset(sql, 'Q', 1000000);
    sql[1000000] = '\0';

    build_query(&out, sql);
    peer_send_buf(client, &out);
    (void)stage_expect_error(client, "08006");
    peer_expect(client, "ZI");

    free(sql);
    stage_end(&s);
}
END_TEST

START_TEST(one_who_waits_too_long_is_told_and_may_go_on)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "",
                "{defaults: {strategy: none, pool: {size: 1}, timeouts: {query_wait: 30ms}}, "
                "acme: {}}");
    struct peer *holder = login(&s, "app.acme", &server);
    struct peer *client = stage_login(&s, "app.acme");
    stage_ask(holder, "Q");
    peer_expect(server, "Q");

    stage_ask(client, "PBES");
    const char *message = stage_expect_error(client, "57014");
    ck_assert_ptr_nonnull(strstr(message, "query_wait_timeout"));
    peer_expect(client, "ZI");
    stage_answer(server, "CZI");
    peer_expect(holder, "CZI");
    stage_ask(client, "Q");
    peer_expect(server, "Q");

    stage_end(&s);
}
END_TEST

START_TEST(more_waiters_than_allowed_are_refused_at_once)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", "{acme: {strategy: none, pool: {size: 1}, limits: {waiting: 1}}}");
    struct peer *holder = login(&s, "app.acme", &server);
    struct peer *waiter = stage_login(&s, "app.acme");
    stage_ask(holder, "Q");
    peer_expect(server, "Q");
    stage_ask(waiter, "Q");
    stage_until_state(&s, FRONTEND_WAITING);
    struct peer *refused = stage_login(&s, "app.acme");

    stage_ask(refused, "Q");
    (void)stage_expect_error(refused, "53300");
    peer_expect(refused, "ZI");

    stage_end(&s);
}
END_TEST

START_TEST(a_server_lost_in_a_query_ends_the_session_with_a_word)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    stage_ask(client, "Q");
    peer_expect(server, "Q");

    peer_close(server);

    (void)stage_expect_error(client, "08006");
    peer_expect_end(client);
    stage_end(&s);
}
END_TEST

START_TEST(a_server_lost_in_the_middle_of_a_row_ends_the_session_without_a_word)
{
    struct stage s;
    struct peer *server;
    struct buf row = {0};
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    stage_ask(client, "Q");
    peer_expect(server, "Q");
    script_server(&row, "D");

    peer_send(server, slice_head(buf_slice(&row), 8));
    peer_expect_bytes(client, slice_head(buf_slice(&row), 8));
    peer_close(server);

    peer_expect_end(client);
    buf_release(&row);
    stage_end(&s);
}
END_TEST

START_TEST(an_answer_that_nobody_asked_for_ends_both)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    stage_ask(client, "Q");
    peer_expect(server, "Q");

    stage_answer(server, "1");
    peer_expect_end(server);

    (void)stage_expect_error(client, "08P01");
    peer_expect_end(client);
    stage_end(&s);
}
END_TEST

/* ---- what a client may not send ---- */

START_TEST(a_message_of_no_type_ends_the_session_linked_or_not)
{
    for (int type = 1; type < 256; type++) {
        struct stage s;
        struct peer *server;
        struct buf out = {0};
        if (strchr("QPBDECSHFXdcf", type) != NULL) {
            continue;
        }
        stage_begin(&s, "", PLAIN);
        struct peer *client = login(&s, "app.acme", &server);
        if (_i == 1) {
            stage_ask(client, "P");
            peer_expect(server, "P");
        }
        build_empty(&out, (uint8_t)type);
        peer_send_buf(client, &out);
        (void)stage_expect_error(client, "08P01");
        peer_expect_end(client);
        peer_drop(server);
        stage_end(&s);
    }
}
END_TEST

START_TEST(an_impossible_length_ends_the_session)
{
    static const uint32_t lengths[] = {0, 3, 0x7fffffffU, 0x80000000U, 0xffffffffU};
    struct stage s;
    struct peer *server;
    struct buf out = {0};
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    buf_append_u8(&out, 'Q');
    buf_append_be32(&out, lengths[_i]);
    peer_send_buf(client, &out);

    (void)stage_expect_error(client, "08P01");
    peer_expect_end(client);
    stage_end(&s);
}
END_TEST

START_TEST(what_was_asked_before_a_bad_message_is_still_sent)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);

    stage_ask(client, "Q");
    peer_send(client, slice_of("?\0\0\0\4", 5));
    peer_expect(server, "Q");

    (void)stage_expect_error(client, "08P01");
    peer_expect_end(client);
    stage_end(&s);
}
END_TEST

/* ---- back-pressure ---- */

#define FLOOD (16 << 20)

/* A message of this size, of which the body is x. */
static void build_large(struct buf *out, char type, size_t size)
{
    buf_append_u8(out, (uint8_t)type);
    buf_append_be32(out, (uint32_t)(size - 1));
    memset(buf_reserve(out, size - 5), 'x', size - 5);
    buf_commit(out, size - 5);
}

/* Nothing is read from it any more. */
static bool has_stalled(void *data)
{
    const struct conn *conn = data;

    return conn->paused && (conn->watch.events & WATCH_READABLE) == 0;
}

START_TEST(a_client_that_does_not_read_stops_the_server_and_memory_is_bounded)
{
    struct stage s;
    struct peer *server;
    struct buf out = {0};
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    stage_ask(client, "Q");
    peer_expect(server, "Q");
    struct frontend *f = stage_frontend(&s);
    peer_set_deaf(client, true);

    build_large(&out, 'D', FLOOD);
    script_server(&out, "CZI");
    struct buf should = {0};
    buf_append_slice(&should, buf_slice(&out));
    peer_send_buf(server, &out);
    loops_until(&s.loop, has_stalled, &f->backend->conn, "the server's pause");
    ck_assert_uint_le(f->conn.out.cap, 256 << 10);
    ck_assert_uint_gt(buf_size(&server->out), FLOOD / 2); /* the rest is with the server */
    peer_set_deaf(client, false);

    peer_expect_bytes(client, buf_slice(&should));
    ck_assert_uint_le(f->conn.out.cap, 256 << 10);
    ck_assert_int_eq(f->state, FRONTEND_IDLE);
    buf_release(&should);
    stage_end(&s);
}
END_TEST

START_TEST(a_server_that_does_not_read_stops_the_client_and_memory_is_bounded)
{
    struct stage s;
    struct peer *server;
    struct buf out = {0};
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    peer_set_deaf(server, true);
    struct frontend *f = stage_frontend(&s);

    build_large(&out, 'Q', FLOOD);
    struct buf should = {0};
    buf_append_slice(&should, buf_slice(&out));
    peer_send_buf(client, &out);
    loops_until(&s.loop, has_stalled, &f->conn, "the client's pause");
    ck_assert_uint_le(f->backend->conn.out.cap, 256 << 10);
    ck_assert_uint_le(f->in.cap, 256 << 10);
    ck_assert_uint_gt(buf_size(&client->out), FLOOD / 2);
    peer_set_deaf(server, false);

    peer_expect_bytes(server, buf_slice(&should));
    stage_answer(server, "CZI");
    peer_expect(client, "CZI");
    buf_release(&should);
    stage_end(&s);
}
END_TEST

/* The server has said all, and the client has not got it yet. */
static bool holds_the_end(void *data)
{
    const struct frontend *f = data;

    return conn_blocked(&f->conn) && backend_settled(f->backend);
}

START_TEST(a_client_that_reads_slowly_is_not_let_go_before_it_has_all_its_bytes)
{
    struct stage s;
    struct peer *server;
    struct buf out = {0};
    stage_begin(&s, "", PLAIN);
    struct peer *client = login(&s, "app.acme", &server);
    stage_ask(client, "Q");
    peer_expect(server, "Q");
    struct frontend *f = stage_frontend(&s);
    int size = 4096;
    ck_assert_int_eq(setsockopt(f->conn.watch.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    peer_set_deaf(client, true);

    build_large(&out, 'D', 40000);
    script_server(&out, "CZI");
    size_t n = out.len;
    peer_send_buf(server, &out);
    loops_until(&s.loop, holds_the_end, f, "the last bytes of an answer");
    ck_assert_int_eq(f->state, FRONTEND_LINKED);
    peer_set_deaf(client, false);
    (void)peer_take_bytes(client, n);

    ck_assert_int_eq(f->state, FRONTEND_IDLE);
    stage_end(&s);
}
END_TEST

static void add_links(TCase *all)
{
    tcase_add_test(all, a_connection_is_let_go_when_the_transaction_is_over);
    tcase_add_test(all, in_session_mode_it_is_kept);
    tcase_add_test(all, a_batch_without_sync_keeps_the_link);
    tcase_add_test(all, a_flush_of_nothing_takes_no_connection);
    tcase_add_test(all, a_connection_left_serves_the_next_client_at_once);
    tcase_add_test(all, what_was_sent_before_the_greeting_is_answered_after_it);
    tcase_add_test(all, many_pipelined_batches_are_answered_in_order);
    tcase_add_test(all, a_query_behind_a_failed_parse_is_skipped_by_both_sides);
    tcase_add_test(all, what_is_sent_behind_an_answered_error_is_skipped_up_to_sync);
    tcase_add_test(all, a_copy_from_the_client_is_passed_on);
    tcase_add_test(all, an_extended_copy_is_passed_on);
    tcase_add_test(all, what_is_left_of_a_failed_copy_goes_nowhere);
    tcase_add_test(all, after_a_failed_extended_copy_the_connection_is_not_used_again);
}

static void add_errors(TCase *all)
{
    tcase_add_test(all, a_query_without_a_server_is_answered_with_an_error_and_the_session_goes_on);
    tcase_add_test(all, an_extended_batch_without_a_server_fails_once_and_is_skipped_to_its_sync);
    tcase_add_test(all, every_pipelined_batch_without_a_server_has_its_own_answer);
    tcase_add_test(all, a_large_query_without_a_server_is_skipped_whole);
    tcase_add_test(all, one_who_waits_too_long_is_told_and_may_go_on);
    tcase_add_test(all, more_waiters_than_allowed_are_refused_at_once);
    tcase_add_test(all, a_server_lost_in_a_query_ends_the_session_with_a_word);
    tcase_add_test(all, a_server_lost_in_the_middle_of_a_row_ends_the_session_without_a_word);
    tcase_add_test(all, an_answer_that_nobody_asked_for_ends_both);
    tcase_add_loop_test(all, a_message_of_no_type_ends_the_session_linked_or_not, 0, 2);
    tcase_add_loop_test(all, an_impossible_length_ends_the_session, 0, 5);
    tcase_add_test(all, what_was_asked_before_a_bad_message_is_still_sent);
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("relay");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    add_links(all);
    add_errors(all);
    tcase_add_test(all, a_client_that_does_not_read_stops_the_server_and_memory_is_bounded);
    tcase_add_test(all, a_server_that_does_not_read_stops_the_client_and_memory_is_bounded);
    tcase_add_test(all, a_client_that_reads_slowly_is_not_let_go_before_it_has_all_its_bytes);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
