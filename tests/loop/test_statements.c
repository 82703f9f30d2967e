// SPDX-License-Identifier: MIT
//
// Named prepared statements in transaction mode: what the server sees of them, and what a client is
// told.
#include <stdio.h>
#include <string.h>

#include "loops.h"
#include "script.h"
#include "stage.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/cursor.h"

#define PLAIN "{acme: {strategy: none, pool: {size: 1}}}"

struct scene {
    struct stage s;
    struct peer *client;
    struct peer *server;
};

static void begin(struct scene *x, const char *tenants)
{
    stage_begin(&x->s, "", tenants);
    x->client = stage_login(&x->s, "app.acme");
    x->server = server_next(x->s.server);
}

/* ---- what a client sends ---- */

static void parse(struct peer *client, const char *name, const char *sql)
{
    struct buf out = {0};

    build_parse(&out, name, sql);
    peer_send_buf(client, &out);
}

static void bind_to(struct peer *client, const char *name)
{
    struct buf out = {0};

    build_bind(&out, name, NULL, 0);
    peer_send_buf(client, &out);
}

static void run(struct peer *client, const char *name)
{
    bind_to(client, name);
    stage_ask(client, "ES");
}

static void close_statement(struct peer *client, const char *name)
{
    struct buf out = {0};

    build_close_statement(&out, name);
    peer_send_buf(client, &out);
}

/* ---- what the server sees ---- */

/* A Parse of this query; keeps the name under which it came. */
static void expect_parse(struct peer *server, const char *sql, char name[64])
{
    struct cursor c = cursor_of(peer_take(server, 'P'));
    struct slice statement = cursor_cstr(&c);

    (void)snprintf(name, 64, "%.*s", (int)statement.n, (const char *)statement.p);
    ck_assert_slice_str(cursor_cstr(&c), sql);
}

static void expect_bind(struct peer *server, const char *name)
{
    struct cursor c = cursor_of(peer_take(server, 'B'));

    ck_assert_uint_eq(cursor_cstr(&c).n, 0);
    ck_assert_slice_str(cursor_cstr(&c), name);
}

/* The client prepares "s" and runs it. */
static void prepare_and_run(struct scene *x, char name[64])
{
    parse(x->client, "s", "SELECT 1");
    run(x->client, "s");
    expect_parse(x->server, "SELECT 1", name);
    expect_bind(x->server, name);
    peer_expect(x->server, "ES");
    stage_answer(x->server, "12DCZI");
    peer_expect(x->client, "12DCZI");
}

/* ---- facts ---- */

START_TEST(a_named_statement_goes_to_the_server_under_a_name_of_ours)
{
    struct scene x;
    char name[64];
    begin(&x, PLAIN);

    prepare_and_run(&x, name);

    ck_assert_str_ne(name, "s");
    ck_assert_str_ne(name, "");
    stage_end(&x.s);
}
END_TEST

START_TEST(it_is_parsed_once_and_run_many_times)
{
    struct scene x;
    char name[64];
    begin(&x, PLAIN);
    prepare_and_run(&x, name);

    for (int i = 0; i < 3; i++) {
        run(x.client, "s");
        expect_bind(x.server, name);
        peer_expect(x.server, "ES");
        stage_answer(x.server, "2DCZI");
        peer_expect(x.client, "2DCZI");
    }

    stage_end(&x.s);
}
END_TEST

START_TEST(another_clients_parse_of_the_same_query_is_answered_without_the_server)
{
    struct scene x;
    char name[64];
    begin(&x, PLAIN);
    prepare_and_run(&x, name);
    struct peer *other = stage_login(&x.s, "app.acme");

    parse(other, "mine", "SELECT 1");
    run(other, "mine");
    expect_bind(x.server, name);
    peer_expect(x.server, "ES");
    stage_answer(x.server, "2DCZI");

    peer_expect(other, "12DCZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(names_of_two_clients_are_told_apart)
{
    struct scene x;
    char first[64];
    char second[64];
    begin(&x, PLAIN);
    prepare_and_run(&x, first);
    struct peer *other = stage_login(&x.s, "app.acme");

    parse(other, "s", "SELECT 2");
    run(other, "s");
    expect_parse(x.server, "SELECT 2", second);
    expect_bind(x.server, second);
    peer_expect(x.server, "ES");
    stage_answer(x.server, "12DCZI");
    peer_expect(other, "12DCZI");

    ck_assert_str_ne(first, second);
    stage_end(&x.s);
}
END_TEST

START_TEST(on_another_connection_it_is_parsed_again_and_the_client_does_not_see_it)
{
    struct scene x;
    char name[64];
    char again[64];
    begin(&x, PLAIN);
    prepare_and_run(&x, name);
    peer_close(x.server);

    run(x.client, "s");
    struct peer *second = server_next(x.s.server);
    expect_parse(second, "SELECT 1", again);
    expect_bind(second, again);
    peer_expect(second, "ES");
    stage_answer(second, "12DCZI");

    peer_expect(x.client, "2DCZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(a_name_that_is_taken_is_an_error_and_the_session_goes_on)
{
    struct scene x;
    char name[64];
    begin(&x, PLAIN);
    prepare_and_run(&x, name);

    parse(x.client, "s", "SELECT 2");
    run(x.client, "s");
    peer_expect(x.server, "B"); /* of no statement: what follows is skipped by the server, too */
    peer_expect(x.server, "BES");
    stage_answer(x.server, "EZI");
    ck_assert_str_eq(stage_expect_error(x.client, "42P05"),
                     "prepared statement \"s\" already exists");
    peer_expect(x.client, "ZI");
    run(x.client, "s"); /* the first one is still there */
    expect_bind(x.server, name);
    peer_expect(x.server, "ES");

    stage_end(&x.s);
}
END_TEST

START_TEST(a_name_that_is_not_known_is_an_error_and_the_session_goes_on)
{
    struct scene x;
    begin(&x, PLAIN);

    run(x.client, "nothing");
    peer_expect(x.server, "BES");
    stage_answer(x.server, "EZI");
    ck_assert_str_eq(stage_expect_error(x.client, "26000"),
                     "prepared statement \"nothing\" does not exist");
    peer_expect(x.client, "ZI");
    stage_ask(x.client, "Q");
    peer_expect(x.server, "Q");
    stage_answer(x.server, "CZI");

    peer_expect(x.client, "CZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(a_statement_whose_parse_failed_does_not_exist)
{
    struct scene x;
    begin(&x, PLAIN);
    parse(x.client, "s", "SELEC 1");
    stage_ask(x.client, "S");
    peer_expect(x.server, "PS");
    stage_answer(x.server, "EZI");
    peer_expect(x.client, "EZI");

    run(x.client, "s");
    peer_expect(x.server, "BES");
    stage_answer(x.server, "EZI");

    (void)stage_expect_error(x.client, "26000");
    peer_expect(x.client, "ZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(a_parse_that_was_skipped_behind_an_error_does_not_exist)
{
    struct scene x;
    char name[64];
    begin(&x, PLAIN);
    stage_ask(x.client, "P");
    parse(x.client, "s", "SELECT 1");
    stage_ask(x.client, "S");
    peer_expect(x.server, "PPS");
    stage_answer(x.server, "EZI");
    peer_expect(x.client, "EZI");

    parse(x.client, "s", "SELECT 1"); /* no duplicate */
    run(x.client, "s");
    expect_parse(x.server, "SELECT 1", name);
    expect_bind(x.server, name);
    peer_expect(x.server, "ES");
    stage_answer(x.server, "12DCZI");

    peer_expect(x.client, "12DCZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(closing_is_answered_in_its_turn_and_frees_the_name)
{
    struct scene x;
    char name[64];
    char second[64];
    begin(&x, PLAIN);
    prepare_and_run(&x, name);

    close_statement(x.client, "s");
    stage_ask(x.client, "S");
    peer_expect(x.server, "S"); /* the statement stays for others */
    stage_answer(x.server, "ZI");
    peer_expect(x.client, "3ZI");
    parse(x.client, "s", "SELECT 2");
    run(x.client, "s");
    expect_parse(x.server, "SELECT 2", second);
    expect_bind(x.server, second);
    peer_expect(x.server, "ES");
    stage_answer(x.server, "12DCZI");

    peer_expect(x.client, "12DCZI");
    stage_end(&x.s);
}
END_TEST

START_TEST(unnamed_statements_go_as_they_lie)
{
    struct scene x;
    struct buf should = {0};
    begin(&x, PLAIN);
    script_client(&should, "PBDES");

    stage_ask(x.client, "PBDES");

    peer_expect_bytes(x.server, buf_slice(&should));
    buf_release(&should);
    stage_end(&x.s);
}
END_TEST

START_TEST(in_session_mode_names_are_the_clients_own)
{
    struct scene x;
    char name[64];
    begin(&x, "{acme: {strategy: none, pool: {size: 1, mode: session}}}");

    parse(x.client, "s", "SELECT 1");
    run(x.client, "s");
    expect_parse(x.server, "SELECT 1", name);

    ck_assert_str_eq(name, "s");
    peer_expect(x.server, "BES");
    stage_end(&x.s);
}
END_TEST

START_TEST(a_batch_that_goes_out_again_prepares_again)
{
    struct stage s;
    char name[64];
    stage_begin(&s, "", "{defaults: {strategy: rls, pool: {size: 1}}, acme: {}}");
    struct peer *client = stage_knock(&s, "app.acme");
    struct peer *first = server_next(s.server);
    peer_expect(first, "PBEPBEPBES");
    stage_answer(first, "12C12DC12CZI");
    peer_expect(client, "R" STAGE_GREETING);
    struct pool *pool = stage_frontend(&s)->request.lane->pool;
    container_of(list_head(&pool->all), struct backend, pool_node)->context_unknown = true;

    struct buf batch = {0};
    build_parse(&batch, "s", "SELECT 1");
    build_bind(&batch, "s", NULL, 0);
    script_client(&batch, "ES");
    peer_send_buf(client, &batch);
    peer_expect(first, "BEBEBEPBES");
    stage_answer(first, "E"); /* the switch is refused */
    struct peer *second = server_next(s.server);
    peer_expect(second, "PBEPBEPBE");
    expect_parse(second, "SELECT 1", name);
    expect_bind(second, name);
    peer_expect(second, "ES");
    stage_answer(second, "12C12DC12C12DCZI");

    peer_expect(client, "12DCZI");
    stage_end(&s);
}
END_TEST

START_TEST(a_client_that_leaves_in_the_middle_of_its_parse_leaves_nothing)
{
    struct scene x;
    begin(&x, PLAIN);
    parse(x.client, "s", "SELECT 1");
    bind_to(x.client, "s");
    peer_expect(x.server, "PB");

    peer_close(x.client);
    loops_until_is(&x.s.loop, &x.s.gone, 1);

    stage_end(&x.s);
}
END_TEST

START_TEST(beyond_its_bound_a_connection_closes_the_least_recently_used_one)
{
    struct scene x;
    char names[3][64];
    begin(&x, "{acme: {strategy: none, pool: {size: 1, prepared_statements: 2}}}");
    for (int i = 0; i < 3; i++) {
        char name[8];
        char sql[16];
        (void)snprintf(name, sizeof name, "s%d", i);
        (void)snprintf(sql, sizeof sql, "SELECT %d", i);
        parse(x.client, name, sql);
        stage_ask(x.client, "S");
        expect_parse(x.server, sql, names[i]);
        if (i == 2) {
            struct slice body = peer_take(x.server, 'C');
            ck_assert_slice_str(slice_of(body.p + 1, body.n - 2), names[0]);
        }
        peer_expect(x.server, "S");
        stage_answer(x.server, i == 2 ? "13ZI" : "1ZI");
        peer_expect(x.client, "1ZI");
    }

    stage_end(&x.s);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("statements");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, a_named_statement_goes_to_the_server_under_a_name_of_ours);
    tcase_add_test(all, it_is_parsed_once_and_run_many_times);
    tcase_add_test(all, another_clients_parse_of_the_same_query_is_answered_without_the_server);
    tcase_add_test(all, names_of_two_clients_are_told_apart);
    tcase_add_test(all, on_another_connection_it_is_parsed_again_and_the_client_does_not_see_it);
    tcase_add_test(all, a_name_that_is_taken_is_an_error_and_the_session_goes_on);
    tcase_add_test(all, a_name_that_is_not_known_is_an_error_and_the_session_goes_on);
    tcase_add_test(all, a_statement_whose_parse_failed_does_not_exist);
    tcase_add_test(all, a_parse_that_was_skipped_behind_an_error_does_not_exist);
    tcase_add_test(all, closing_is_answered_in_its_turn_and_frees_the_name);
    tcase_add_test(all, unnamed_statements_go_as_they_lie);
    tcase_add_test(all, in_session_mode_names_are_the_clients_own);
    tcase_add_test(all, a_batch_that_goes_out_again_prepares_again);
    tcase_add_test(all, a_client_that_leaves_in_the_middle_of_its_parse_leaves_nothing);
    tcase_add_test(all, beyond_its_bound_a_connection_closes_the_least_recently_used_one);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
