// SPDX-License-Identifier: MIT
//
// host and pool: several pools share the connections that a server allows.
#include "pool/pool.h"

#include "loops.h"
#include "pooling.h"
#include "testing.h"

/* ---- the budget of a server ---- */

#define TWO_POOLS "{acme: {database: one}, globex: {database: two}}"

START_TEST(for_one_that_waits_an_idle_connection_of_another_pool_is_closed)
{
    struct pooling p;
    struct customer a;
    struct customer g;
    pooling_begin(&p, "max_connections: 1", TWO_POOLS);
    customer_init(&a, pooling_lane(&p, "acme"), "a");
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    customer_get(&a);
    struct peer *first = server_next(p.server);
    customer_leave(&a);

    customer_get(&g);
    peer_expect(first, "X");

    ck_assert_uint_eq(atomic_load(&p.budget.used), 1);
    ck_assert_uint_eq(a.request.lane->pool->count, 0);
    customer_fini(&a);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

START_TEST(a_place_is_taken_until_the_server_has_closed_its_end)
{
    struct pooling p;
    struct customer a;
    struct customer g;
    pooling_begin(&p, "max_connections: 1", TWO_POOLS);
    customer_init(&a, pooling_lane(&p, "acme"), "a");
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    customer_get(&a);
    struct peer *first = server_next(p.server);
    first->tarries = true;
    customer_leave(&a);

    ck_assert_int_eq(customer_ask(&g), 0);
    peer_expect(first, "X");
    peer_expect_end(first);
    ck_assert_uint_eq(a.request.lane->pool->count, 0);
    ck_assert_uint_eq(atomic_load(&p.budget.used), 1);
    ck_assert_int_eq(p.server->accepted, 1);
    peer_close(first);
    loops_until_is(&p.loop, &g.granted, 2);

    ck_assert_uint_eq(atomic_load(&p.budget.used), 1);
    customer_fini(&a);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

START_TEST(pools_that_are_closed_wait_for_no_server)
{
    struct pooling p;
    struct customer a;
    struct customer g;
    pooling_begin(&p, "max_connections: 1", TWO_POOLS);
    customer_init(&a, pooling_lane(&p, "acme"), "a");
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    customer_get(&a);
    struct peer *first = server_next(p.server);
    first->tarries = true;
    customer_leave(&a);
    ck_assert_int_eq(customer_ask(&g), 0);
    peer_expect(first, "X");

    customer_fini(&a);
    customer_fini(&g);
    pooling_end(&p); /* finds that nothing is left */
}
END_TEST

START_TEST(the_least_recently_used_idle_connection_makes_room)
{
    struct pooling p;
    struct customer a[2];
    struct customer g;
    pooling_begin(&p, "max_connections: 2", TWO_POOLS);
    struct lane *acme = pooling_lane(&p, "acme");
    for (int i = 0; i < 2; i++) {
        customer_init(&a[i], acme, "a");
        customer_get(&a[i]);
    }
    struct peer *first = server_next(p.server);
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    customer_leave(&a[0]);
    customer_leave(&a[1]);

    customer_get(&g);
    peer_expect(first, "X");

    ck_assert_uint_eq(acme->pool->count, 1);
    customer_fini(&a[0]);
    customer_fini(&a[1]);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

START_TEST(where_none_is_idle_a_starved_pool_gets_the_next_that_is_left)
{
    struct pooling p;
    struct customer a;
    struct customer g;
    pooling_begin(&p, "max_connections: 1", TWO_POOLS);
    customer_init(&a, pooling_lane(&p, "acme"), "a");
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    customer_get(&a);
    ck_assert_int_eq(customer_ask(&g), 0);

    customer_leave(&a);
    loops_until_is(&p.loop, &g.granted, 2);

    ck_assert_uint_eq(atomic_load(&p.budget.used), 1);
    customer_fini(&a);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

#define FOUR_POOLS                                                                                 \
    "{one: {database: one}, two: {database: two}, three: {database: three}, four: {database: "     \
    "four}}"

START_TEST(starved_pools_are_served_in_the_order_in_which_they_began_to_wait)
{
    static const char *const names[] = {"one", "two", "three", "four"};
    struct pooling p;
    struct customer c[4];
    pooling_begin(&p, "max_connections: 1", FOUR_POOLS);
    for (int i = 0; i < 4; i++) {
        customer_init(&c[i], pooling_lane(&p, names[i]), "x");
    }
    customer_get(&c[0]);
    for (int i = 1; i < 4; i++) {
        ck_assert_int_eq(customer_ask(&c[i]), 0);
    }

    for (int i = 1; i < 4; i++) {
        customer_leave(&c[i - 1]);
        loops_until_is(&p.loop, &c[i].granted, i + 1);
    }

    for (int i = 0; i < 4; i++) {
        customer_fini(&c[i]);
    }
    pooling_end(&p);
}
END_TEST

START_TEST(a_pool_over_its_share_parts_with_one_though_its_own_wait)
{
    struct pooling p;
    struct customer g;
    pooling_begin(&p, "max_connections: 2", TWO_POOLS);
    struct lane *acme = pooling_lane(&p, "acme");
    struct customer *crowd = crowd_new(acme, 5);
    loops_until_is(&p.loop, &p.grants, 2);
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    ck_assert_int_eq(customer_ask(&g), 0);

    customer_leave(&crowd[0]);
    loops_until_is(&p.loop, &g.granted, 3);

    ck_assert_uint_eq(acme->pool->count, 1);
    ck_assert_uint_eq(acme->pool->waiting, 3);
    crowd_free(crowd, 5);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("budget");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, for_one_that_waits_an_idle_connection_of_another_pool_is_closed);
    tcase_add_test(all, a_place_is_taken_until_the_server_has_closed_its_end);
    tcase_add_test(all, pools_that_are_closed_wait_for_no_server);
    tcase_add_test(all, the_least_recently_used_idle_connection_makes_room);
    tcase_add_test(all, where_none_is_idle_a_starved_pool_gets_the_next_that_is_left);
    tcase_add_test(all, starved_pools_are_served_in_the_order_in_which_they_began_to_wait);
    tcase_add_test(all, a_pool_over_its_share_parts_with_one_though_its_own_wait);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
