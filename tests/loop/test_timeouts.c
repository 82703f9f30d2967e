// SPDX-License-Identifier: MIT
//
// How long a client may take for what: each limit of a tenant ends its client with a word, and what
// it did at the server with it.
#include "proxy/timeouts.h"

#include <stdio.h>
#include <string.h>

#include "loops.h"
#include "stage.h"
#include "testing.h"
#include "wire/cursor.h"

/* A tenant with these timeouts, a client of it, and its server connection. */
struct scene {
    struct stage s;
    struct peer *client;
    struct peer *server;
    struct frontend *f;
};

static void begin(struct scene *x, const char *timeouts)
{
    char tenants[200];

    (void)snprintf(tenants, sizeof tenants,
                   "{acme: {strategy: none, pool: {size: 1}, timeouts: {%s}}}", timeouts);
    stage_begin(&x->s, "", tenants);
    x->client = stage_login(&x->s, "app.acme");
    x->server = server_next(x->s.server);
    x->f = stage_frontend(&x->s);
}

static void query(struct scene *x, const char *answer)
{
    stage_ask(x->client, "Q");
    peer_expect(x->server, "Q");
    stage_answer(x->server, answer);
    peer_expect(x->client, answer);
}

static void expect_end(struct scene *x, const char *sqlstate, const char *text)
{
    const char *message = stage_expect_error(x->client, sqlstate);

    ck_assert_msg(strstr(message, text) != NULL, "\"%s\" is not in \"%s\"", text, message);
    peer_expect_end(x->client);
}

START_TEST(one_who_is_idle_too_long_is_ended)
{
    struct scene x;
    begin(&x, "client_idle: 30ms");

    expect_end(&x, "57P05", "timeouts.client_idle of tenant \"acme\"");

    stage_end(&x.s);
}
END_TEST

START_TEST(one_who_is_idle_too_long_after_a_query_is_ended)
{
    struct scene x;
    begin(&x, "client_idle: 300ms");

    query(&x, "CZI");
    expect_end(&x, "57P05", "timeouts.client_idle");

    stage_end(&x.s);
}
END_TEST

START_TEST(a_query_that_takes_too_long_is_cancelled_and_its_client_ended)
{
    struct scene x;
    begin(&x, "query: 30ms");
    stage_ask(x.client, "Q");
    peer_expect(x.server, "Q");

    expect_end(&x, "57014", "query timeout");
    struct peer *cancel = server_next(x.s.server);
    struct cursor c = cursor_of(peer_take_untyped(cancel));
    ck_assert_uint_eq(cursor_be32(&c), WIRE_CANCEL_REQUEST);

    stage_end(&x.s);
}
END_TEST

START_TEST(one_who_leaves_a_transaction_open_too_long_is_ended_and_it_is_rolled_back)
{
    struct scene x;
    begin(&x, "idle_transaction: 30ms");

    query(&x, "CZT");
    expect_end(&x, "25P03", "idle transaction timeout");
    stage_expect_query(x.server, "ROLLBACK");

    stage_end(&x.s);
}
END_TEST

START_TEST(a_transaction_is_bounded_over_all_its_queries)
{
    struct scene x;
    begin(&x, "transaction: 300ms");
    uint64_t since = loop_now(&x.s.loop);

    query(&x, "CZT");
    query(&x, "CZT");
    expect_end(&x, "25P04", "transaction timeout");

    ck_assert_uint_ge(loop_now(&x.s.loop) - since, 300);
    stage_expect_query(x.server, "ROLLBACK");
    stage_end(&x.s);
}
END_TEST

/* Letting go of the connection must not arm anything for one who is no more. */
START_TEST(of_one_who_left_no_limit_is_left)
{
    struct scene x;
    begin(&x, "client_idle: 1m");
    stage_ask(x.client, "Q");
    peer_expect(x.server, "Q");

    peer_close(x.client);
    loops_until_is(&x.s.loop, &x.s.gone, 1);

    stage_end(&x.s); /* no deadline may be armed at the end of a loop */
}
END_TEST

#define ALL "query: 1m, transaction: 1m, idle_transaction: 1m, client_idle: 1m"

START_TEST(at_rest_only_the_idle_time_is_bounded)
{
    struct scene x;
    begin(&x, "query: 1m, transaction: 1m, idle_transaction: 1m");

    query(&x, "CZI");

    ck_assert(!deadline_armed(&x.f->deadline));
    ck_assert(!deadline_armed(&x.f->transaction_deadline));
    stage_end(&x.s);
}
END_TEST

START_TEST(a_new_transaction_has_its_whole_time)
{
    struct scene x;
    begin(&x, "transaction: 1m");
    query(&x, "CZT");
    query(&x, "CZI");
    ck_assert(!deadline_armed(&x.f->transaction_deadline));

    query(&x, "CZT");

    ck_assert(deadline_armed(&x.f->transaction_deadline));
    stage_end(&x.s);
}
END_TEST

START_TEST(one_who_waits_in_a_queue_is_not_idle)
{
    struct scene x;
    begin(&x, "client_idle: 400ms, query_wait: 1m");
    stage_ask(x.client, "Q");
    peer_expect(x.server, "Q");
    struct peer *waiter = stage_login(&x.s, "app.acme");
    struct frontend *f = stage_frontend(&x.s);

    stage_ask(waiter, "Q");
    stage_until_state(&x.s, FRONTEND_WAITING);

    ck_assert_uint_gt(f->deadline.at - loop_now(&x.s.loop), 1000);
    stage_end(&x.s);
}
END_TEST

START_TEST(in_session_mode_every_transaction_is_bounded_anew)
{
    struct scene x;
    stage_begin(&x.s, "",
                "{acme: {strategy: none, pool: {size: 1, mode: session}, timeouts: {" ALL "}}}");
    x.client = stage_login(&x.s, "app.acme");
    x.server = server_next(x.s.server);
    x.f = stage_frontend(&x.s);
    query(&x, "CZI");
    ck_assert(!deadline_armed(&x.f->transaction_deadline));

    query(&x, "CZT");
    ck_assert(deadline_armed(&x.f->transaction_deadline));
    query(&x, "CZI");

    ck_assert(!deadline_armed(&x.f->transaction_deadline));
    stage_end(&x.s);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("timeouts");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, one_who_is_idle_too_long_is_ended);
    tcase_add_test(all, one_who_is_idle_too_long_after_a_query_is_ended);
    tcase_add_test(all, a_query_that_takes_too_long_is_cancelled_and_its_client_ended);
    tcase_add_test(all, one_who_leaves_a_transaction_open_too_long_is_ended_and_it_is_rolled_back);
    tcase_add_test(all, a_transaction_is_bounded_over_all_its_queries);
    tcase_add_test(all, of_one_who_left_no_limit_is_left);
    tcase_add_test(all, at_rest_only_the_idle_time_is_bounded);
    tcase_add_test(all, a_new_transaction_has_its_whole_time);
    tcase_add_test(all, one_who_waits_in_a_queue_is_not_idle);
    tcase_add_test(all, in_session_mode_every_transaction_is_bounded_anew);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
