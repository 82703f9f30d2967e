// SPDX-License-Identifier: MIT
//
// pool: how many connections it has, and how long.
#include "pool/pool.h"

#include "loops.h"
#include "pooling.h"
#include "script.h"
#include "testing.h"

/* ---- size ---- */

START_TEST(no_more_connections_are_made_than_the_pool_may_have)
{
    struct pooling p;
    pooling_begin(&p, "", "{acme: {pool: {size: 3}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    struct customer *crowd = crowd_new(lane, 20);

    loops_until_is(&p.loop, &p.grants, 3);
    for (int i = 0; i < 20; i++) { /* each who leaves lets the next one in */
        ck_assert_uint_le(lane->pool->count, 3);
        ck_assert_ptr_nonnull(crowd[i].backend);
        customer_leave(&crowd[i]);
    }

    ck_assert_int_eq(p.grants, 20);
    ck_assert_int_eq(p.server->accepted, 3);
    crowd_free(crowd, 20);
    pooling_end(&p);
}
END_TEST

START_TEST(a_pool_is_as_large_as_the_largest_size_that_one_of_its_tenants_asks_for)
{
    struct pooling p;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}, globex: {pool: {size: 2}}}");
    struct lane *acme = pooling_lane(&p, "acme");

    struct lane *globex = pooling_lane(&p, "globex");

    ck_assert_ptr_eq(acme->pool, globex->pool);
    ck_assert_uint_eq(acme->pool->size, 2);
    pooling_end(&p);
}
END_TEST

START_TEST(a_connection_beyond_the_size_closes_when_it_is_left)
{
    struct pooling p;
    pooling_begin(&p, "", "{acme: {pool: {size: 2}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    struct customer *crowd = crowd_new(lane, 2);
    loops_until_is(&p.loop, &p.grants, 2);

    lane->pool->size = 1; /* as after a reload */
    customer_leave(&crowd[0]);
    customer_leave(&crowd[1]);

    ck_assert_uint_eq(lane->pool->count, 1);
    ck_assert_uint_eq(lane->pool->idle_count, 1);
    crowd_free(crowd, 2);
    pooling_end(&p);
}
END_TEST

START_TEST(without_clients_and_connections_a_pool_goes)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {pool: {idle_timeout: 20ms}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    struct pool *pool = lane->pool;
    customer_init(&c, lane, "a");
    customer_get(&c);
    struct peer *peer = server_next(p.server);
    customer_fini(&c);

    pool_unref(pool);
    peer_expect(peer, "X");
    peer_expect_end(peer);

    ck_assert_ptr_null(p.pools.pools);
    pooling_end(&p);
}
END_TEST

/* ---- age ---- */

START_TEST(an_idle_connection_is_closed_after_its_time)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {pool: {idle_timeout: 20ms}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    customer_get(&c);
    struct peer *peer = server_next(p.server);

    customer_leave(&c);
    peer_expect(peer, "X");
    peer_expect_end(peer);

    ck_assert_uint_eq(lane->pool->count, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(so_many_as_the_pool_shall_keep_stay_idle)
{
    struct pooling p;
    pooling_begin(&p, "", "{acme: {pool: {size: 3, min_size: 1, idle_timeout: 20ms}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    struct customer *crowd = crowd_new(lane, 3);
    loops_until_is(&p.loop, &p.grants, 3);

    for (int i = 0; i < 3; i++) {
        customer_leave(&crowd[i]);
    }
    peer_expect(server_next(p.server), "X");
    peer_expect(server_next(p.server), "X");

    ck_assert_uint_eq(lane->pool->count, 1);
    crowd_free(crowd, 3);
    pooling_end(&p);
}
END_TEST

START_TEST(a_connection_in_use_is_closed_for_its_age_only_when_it_is_left)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {pool: {lifetime: 20ms}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    customer_get(&c);
    struct backend *b = c.backend;

    loops_until_true(&p.loop, &b->close_when_free);
    ck_assert_int_eq(b->state, BACKEND_LINKED);
    customer_leave(&c);

    ck_assert_uint_eq(lane->pool->count, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(an_idle_connection_is_closed_for_its_age)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {pool: {lifetime: 20ms}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    customer_get(&c);
    struct peer *peer = server_next(p.server);

    customer_leave(&c);
    peer_expect(peer, "X");
    peer_expect_end(peer);

    ck_assert_uint_eq(lane->pool->count, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(a_connection_that_rested_long_is_asked_before_it_is_given)
{
    struct pooling p;
    struct customer c;
    struct buf answer = {0};
    pooling_begin(&p, "", "{acme: {pool: {check_delay: 1ms}}}");
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    customer_get(&c);
    struct peer *peer = server_next(p.server);
    struct backend *b = c.backend;
    customer_leave(&c);
    b->used_at -= 2;

    ck_assert_int_eq(customer_ask(&c), 0);
    struct slice sql = peer_take(peer, 'Q');
    ck_assert_uint_eq(sql.n, 1); /* an empty query */
    ck_assert_ptr_null(c.backend);
    script_server(&answer, "IZI");
    peer_send_buf(peer, &answer);
    loops_until_is(&p.loop, &c.granted, 2);

    ck_assert_ptr_eq(c.backend, b);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(one_that_does_not_answer_the_check_is_replaced)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {pool: {size: 1, check_delay: 1ms}}}");
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    customer_get(&c);
    struct peer *peer = server_next(p.server);
    c.backend->used_at -= 2;
    struct backend *b = c.backend;
    customer_leave(&c);
    b->used_at -= 2;

    ck_assert_int_eq(customer_ask(&c), 0);
    peer_expect(peer, "Q");
    peer_close(peer);
    loops_until_is(&p.loop, &c.granted, 2);

    ck_assert_int_eq(p.server->accepted, 2);
    ck_assert_int_eq(c.lost, 0);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

/* ---- reset: backend ---- */

START_TEST(where_tenants_share_no_connection_another_ones_is_closed_and_a_fresh_one_made)
{
    struct pooling p;
    struct customer a;
    struct customer g;
    pooling_begin(&p, "", "{defaults: {reset: backend, pool: {size: 1}}, acme: {}, globex: {}}");
    customer_init(&a, pooling_lane(&p, "acme"), "a");
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    customer_get(&a);
    struct peer *first = server_next(p.server);
    customer_leave(&a);

    customer_get(&g);
    peer_expect(first, "X");
    peer_expect_end(first);

    ck_assert_int_eq(p.server->accepted, 2);
    customer_fini(&a);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

START_TEST(where_tenants_share_no_connection_one_left_to_another_tenants_waiter_is_closed)
{
    struct pooling p;
    struct customer a;
    struct customer g;
    pooling_begin(&p, "", "{defaults: {reset: backend, pool: {size: 1}}, acme: {}, globex: {}}");
    customer_init(&a, pooling_lane(&p, "acme"), "a");
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    customer_get(&a);
    ck_assert_int_eq(customer_ask(&g), 0);

    customer_leave(&a);
    ck_assert_ptr_null(g.backend);
    loops_until_is(&p.loop, &g.granted, 2);

    ck_assert_int_eq(p.server->accepted, 2);
    customer_fini(&a);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

START_TEST(a_tenants_own_connection_is_given_to_it_again)
{
    struct pooling p;
    struct customer a;
    pooling_begin(&p, "", "{acme: {reset: backend}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&a, lane, "a");
    customer_get(&a);
    customer_leave(&a);
    customer_fini(&a);
    customer_init(&a, lane, "another context");

    ck_assert_int_eq(customer_ask(&a), 1);

    ck_assert_int_eq(p.server->accepted, 1);
    customer_fini(&a);
    pooling_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pool_size");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, no_more_connections_are_made_than_the_pool_may_have);
    tcase_add_test(all, a_pool_is_as_large_as_the_largest_size_that_one_of_its_tenants_asks_for);
    tcase_add_test(all, a_connection_beyond_the_size_closes_when_it_is_left);
    tcase_add_test(all, without_clients_and_connections_a_pool_goes);
    tcase_add_test(all, an_idle_connection_is_closed_after_its_time);
    tcase_add_test(all, so_many_as_the_pool_shall_keep_stay_idle);
    tcase_add_test(all, a_connection_in_use_is_closed_for_its_age_only_when_it_is_left);
    tcase_add_test(all, an_idle_connection_is_closed_for_its_age);
    tcase_add_test(all, a_connection_that_rested_long_is_asked_before_it_is_given);
    tcase_add_test(all, one_that_does_not_answer_the_check_is_replaced);
    tcase_add_test(all,
                   where_tenants_share_no_connection_another_ones_is_closed_and_a_fresh_one_made);
    tcase_add_test(all,
                   where_tenants_share_no_connection_one_left_to_another_tenants_waiter_is_closed);
    tcase_add_test(all, a_tenants_own_connection_is_given_to_it_again);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
