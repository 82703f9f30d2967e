// SPDX-License-Identifier: MIT
//
// pool: servers that are down, refuse or go away; and what an administrator orders.
#include "pool/pool.h"

#include <string.h>

#include "loops.h"
#include "pooling.h"
#include "script.h"
#include "testing.h"

/* ---- failing ---- */

static bool has_failed(void *data)
{
    return ((const struct pool *)data)->failure.code != 0;
}

static bool may_try_again(void *data)
{
    return !deadline_armed(&((const struct pool *)data)->retry);
}

static bool has_no_connection(void *data)
{
    return ((const struct pool *)data)->count == 0;
}

START_TEST(a_refused_login_refuses_all_that_wait_with_the_servers_own_words)
{
    struct pooling p;
    struct buf out = {0};
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    p.server->greets = false;
    struct customer *crowd = crowd_new(pooling_lane(&p, "acme"), 3);
    struct peer *peer = server_next(p.server);
    (void)peer_take_untyped(peer);

    script_error(&out, "FATAL", "3D000", "database \"shop\" does not exist");
    peer_send_buf(peer, &out);
    loops_until_is(&p.loop, &crowd[2].refused, 1);

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(crowd[i].refused, 1);
        ck_assert_str_eq(crowd[i].err.sqlstate, "3D000");
        ck_assert_str_eq(crowd[i].err.text, "database \"shop\" does not exist");
    }
    crowd_free(crowd, 3);
    pooling_end(&p);
}
END_TEST

START_TEST(after_a_refused_login_the_next_attempt_may_succeed)
{
    struct pooling p;
    struct buf out = {0};
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    p.server->greets = false;
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    ck_assert_int_eq(customer_ask(&c), 0);
    struct peer *peer = server_next(p.server);
    (void)peer_take_untyped(peer);
    script_error(&out, "FATAL", "28P01", "password authentication failed");
    peer_send_buf(peer, &out);
    loops_until_is(&p.loop, &c.refused, 1);

    p.server->greets = true;
    c.refused = 0;
    customer_get(&c);

    ck_assert_int_eq(p.server->accepted, 2);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(a_server_that_is_down_for_a_moment_is_waited_for)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "connect_timeout: 10s", "{acme: {}}");
    server_stop_listening(p.server);
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    ck_assert_int_eq(customer_ask(&c), 0);
    loops_until(&p.loop, has_failed, c.request.lane->pool, "a failed attempt");

    server_listen_again(p.server);
    loops_until_is(&p.loop, &c.granted, 1);

    ck_assert_int_eq(c.refused, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(after_the_grace_all_that_wait_are_refused)
{
    struct pooling p;
    pooling_begin(&p, "connect_timeout: 500ms, login_retry: 20ms", "{acme: {}}");
    server_stop_listening(p.server);
    struct customer *crowd = crowd_new(pooling_lane(&p, "acme"), 3);

    loops_until_is(&p.loop, &crowd[2].refused, 1);

    ck_assert_int_eq(crowd[0].refused, 1);
    ck_assert_str_eq(err_sqlstate(&crowd[0].err), "08006");
    ck_assert_ptr_nonnull(strstr(crowd[0].err.text, "connection refused"));
    crowd_free(crowd, 3);
    pooling_end(&p);
}
END_TEST

START_TEST(while_a_server_is_known_to_be_down_new_customers_are_refused_at_once)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "connect_timeout: 500ms, login_retry: 1m", "{acme: {}}");
    server_stop_listening(p.server);
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    ck_assert_int_eq(customer_ask(&c), 0);
    loops_until_is(&p.loop, &c.refused, 1);

    int rc = customer_ask(&c);

    ck_assert_int_eq(rc, ERR_CONNECTION);
    ck_assert_ptr_nonnull(strstr(c.err.text, "server login has been failing, cached error: "));
    ck_assert_uint_eq(c.request.lane->account->waiting, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(a_server_that_comes_back_is_found_by_the_next_attempt)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "connect_timeout: 500ms, login_retry: 20ms", "{acme: {}}");
    server_stop_listening(p.server);
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    struct pool *pool = c.request.lane->pool;
    ck_assert_int_eq(customer_ask(&c), 0);
    loops_until_is(&p.loop, &c.refused, 1);
    server_listen_again(p.server);

    loops_until(&p.loop, may_try_again, pool, "the end of a pause");
    c.refused = 0;
    customer_get(&c);

    ck_assert_int_eq(pool->failure.code, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(a_connection_lost_while_it_is_held_is_told_and_replaced_for_the_next)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    customer_get(&c);

    peer_close(server_next(p.server));
    loops_until_is(&p.loop, &c.lost, 1);
    ck_assert_str_eq(err_sqlstate(&c.err), "08006");
    ck_assert_uint_eq(c.request.lane->account->connections, 0);
    customer_get(&c);

    ck_assert_int_eq(p.server->accepted, 2);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(an_idle_connection_that_the_server_closes_is_forgotten)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    customer_get(&c);
    customer_leave(&c);

    peer_close(server_next(p.server));
    loops_until(&p.loop, has_no_connection, lane->pool, "the end of an idle connection");

    ck_assert_int_eq(customer_ask(&c), 0);
    loops_until_is(&p.loop, &c.granted, 2);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

/* ---- by order ---- */

START_TEST(a_paused_pool_gives_nothing_until_it_is_resumed)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    customer_get(&c);
    customer_leave(&c);

    pool_set_paused(lane->pool, true);
    ck_assert_int_eq(customer_ask(&c), 0);
    pool_set_paused(lane->pool, false);

    ck_assert_ptr_nonnull(c.backend);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(of_a_held_tenant_nobody_is_served_and_others_are)
{
    struct pooling p;
    struct customer a;
    struct customer g;
    pooling_begin(&p, "", "{acme: {}, globex: {}}");
    struct lane *acme = pooling_lane(&p, "acme");
    customer_init(&a, acme, "a");
    customer_init(&g, pooling_lane(&p, "globex"), "g");

    pool_set_held(acme->pool, acme->account, true);
    ck_assert_int_eq(customer_ask(&a), 0);
    customer_get(&g);
    customer_leave(&g);
    ck_assert_ptr_null(a.backend);
    pool_set_held(acme->pool, acme->account, false);

    ck_assert_ptr_nonnull(a.backend);
    customer_fini(&a);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

START_TEST(retired_connections_close_now_or_when_they_are_left)
{
    struct pooling p;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    struct customer *crowd = crowd_new(lane, 2);
    loops_until_is(&p.loop, &p.grants, 2);
    customer_leave(&crowd[0]);

    pool_retire_connections(lane->pool);
    ck_assert_uint_eq(lane->pool->count, 1);
    customer_leave(&crowd[1]);

    ck_assert_uint_eq(lane->pool->count, 0);
    crowd_free(crowd, 2);
    pooling_end(&p);
}
END_TEST

START_TEST(nothing_new_is_made_while_draining)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    customer_init(&c, pooling_lane(&p, "acme"), "a");

    pools_close(&p.pools);
    ck_assert_int_eq(customer_ask(&c), 0);

    ck_assert_uint_eq(p.pools.count, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(what_the_server_reported_at_login_is_the_welcome)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    ck_assert_slice_str(birth_welcome_value(c.request.birth, slice_str("timezone")), "");

    customer_get(&c);

    ck_assert_slice_str(birth_welcome_value(c.request.birth, slice_str("timezone")), "Etc/UTC");
    ck_assert_slice_str(birth_welcome_value(c.request.birth, slice_str("no_such")), "");
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pool_failing");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, a_refused_login_refuses_all_that_wait_with_the_servers_own_words);
    tcase_add_test(all, after_a_refused_login_the_next_attempt_may_succeed);
    tcase_add_test(all, a_server_that_is_down_for_a_moment_is_waited_for);
    tcase_add_test(all, after_the_grace_all_that_wait_are_refused);
    tcase_add_test(all, while_a_server_is_known_to_be_down_new_customers_are_refused_at_once);
    tcase_add_test(all, a_server_that_comes_back_is_found_by_the_next_attempt);
    tcase_add_test(all, a_connection_lost_while_it_is_held_is_told_and_replaced_for_the_next);
    tcase_add_test(all, an_idle_connection_that_the_server_closes_is_forgotten);
    tcase_add_test(all, a_paused_pool_gives_nothing_until_it_is_resumed);
    tcase_add_test(all, of_a_held_tenant_nobody_is_served_and_others_are);
    tcase_add_test(all, retired_connections_close_now_or_when_they_are_left);
    tcase_add_test(all, nothing_new_is_made_while_draining);
    tcase_add_test(all, what_the_server_reported_at_login_is_the_welcome);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
