// SPDX-License-Identifier: MIT
#include "pool/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "loops.h"
#include "pooling.h"
#include "script.h"
#include "testing.h"
#include "wire/build.h"

/* ---- serving ---- */

START_TEST(the_first_customer_waits_for_a_connection_to_be_made)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    customer_init(&c, pooling_lane(&p, "acme"), "a");

    ck_assert_int_eq(customer_ask(&c), 0);
    ck_assert_uint_eq(c.request.lane->account->waiting, 1);
    loops_until_is(&p.loop, &c.granted, 1);

    ck_assert_int_eq(p.server->accepted, 1);
    ck_assert_uint_eq(c.request.lane->account->waiting, 0);
    ck_assert_uint_eq(c.request.lane->account->connections, 1);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(an_idle_connection_is_given_at_once)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    customer_init(&c, pooling_lane(&p, "acme"), "a");
    customer_get(&c);
    customer_leave(&c);

    ck_assert_int_eq(customer_ask(&c), 1);

    ck_assert_int_eq(p.server->accepted, 1);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(a_connection_that_is_left_serves_the_next_waiter_before_leaving_returns)
{
    struct pooling p;
    struct customer first;
    struct customer second;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&first, lane, "a");
    customer_init(&second, lane, "a");
    customer_get(&first);
    ck_assert_int_eq(customer_ask(&second), 0);

    customer_leave(&first);

    ck_assert_ptr_nonnull(second.backend);
    customer_fini(&first);
    customer_fini(&second);
    pooling_end(&p);
}
END_TEST

START_TEST(a_withdrawn_request_is_not_served)
{
    struct pooling p;
    struct customer first;
    struct customer second;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&first, lane, "a");
    customer_init(&second, lane, "a");
    customer_get(&first);
    ck_assert_int_eq(customer_ask(&second), 0);

    pool_withdraw(&second.request);
    pool_withdraw(&second.request);
    customer_leave(&first);

    ck_assert_ptr_null(second.backend);
    ck_assert_uint_eq(lane->account->waiting, 0);
    customer_fini(&first);
    customer_fini(&second);
    pooling_end(&p);
}
END_TEST

/* ---- affinity ---- */

/* Three connections, left in this order by customers of the contexts a, b and c. */
static void leave_three(struct pooling *p, struct lane *lane, struct backend **backends)
{
    static const char *const tags[] = {"a", "b", "c"};
    struct customer customers[3];

    for (int i = 0; i < 3; i++) {
        customer_init(&customers[i], lane, tags[i]);
        customer_get(&customers[i]);
        backends[i] = customers[i].backend;
    }
    for (int i = 0; i < 3; i++) {
        customer_leave(&customers[i]);
        customer_fini(&customers[i]);
    }
    ck_assert_int_eq(p->server->accepted, 3);
}

START_TEST(a_connection_already_in_the_context_is_preferred)
{
    static const char *const tags[] = {"a", "b", "c"};
    struct pooling p;
    struct backend *backends[3];
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    leave_three(&p, lane, backends);

    customer_init(&c, lane, tags[_i]);
    ck_assert_int_eq(customer_ask(&c), 1);

    ck_assert_ptr_eq(c.backend, backends[_i]);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(for_a_new_context_the_least_recently_used_one_is_taken)
{
    struct pooling p;
    struct backend *backends[3];
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    leave_three(&p, lane, backends);

    customer_init(&c, lane, "new");
    ck_assert_int_eq(customer_ask(&c), 1);

    ck_assert_ptr_eq(c.backend, backends[0]);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(of_several_in_the_context_the_latest_used_is_taken)
{
    struct pooling p;
    struct customer customers[2];
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    for (int i = 0; i < 2; i++) {
        customer_init(&customers[i], lane, "a");
        customer_get(&customers[i]);
    }
    struct backend *latest = customers[1].backend;
    customer_leave(&customers[0]);
    customer_leave(&customers[1]);

    customer_init(&c, lane, "a");
    ck_assert_int_eq(customer_ask(&c), 1);

    ck_assert_ptr_eq(c.backend, latest);
    customer_fini(&customers[0]);
    customer_fini(&customers[1]);
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(a_connection_whose_context_is_unknown_is_not_preferred)
{
    struct pooling p;
    struct customer c;
    struct customer other;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    customer_init(&other, lane, "b");
    customer_get(&other);
    customer_get(&c);
    struct backend *unknown = c.backend;
    struct backend *older = other.backend;
    unknown->context_unknown = true;
    customer_leave(&other);
    customer_leave(&c);

    ck_assert_int_eq(customer_ask(&c), 1);

    ck_assert_ptr_eq(c.backend, older);
    customer_fini(&c);
    customer_fini(&other);
    pooling_end(&p);
}
END_TEST

/* ---- queues ---- */

#define CROWD 10000

/* Everybody of the crowd asks; they hold nothing yet. */
static struct customer *make_crowd(struct lane *lane, int count)
{
    struct customer *crowd = x_alloc((size_t)count * sizeof *crowd);

    for (int i = 0; i < count; i++) {
        customer_init(&crowd[i], lane, "crowd");
        ck_assert_int_eq(customer_ask(&crowd[i]), 0);
    }
    return crowd;
}

static void free_crowd(struct customer *crowd, int count)
{
    for (int i = 0; i < count; i++) {
        customer_fini(&crowd[i]);
    }
    free(crowd);
}

START_TEST(the_waiters_of_one_tenant_are_served_in_the_order_in_which_they_came)
{
    struct pooling p;
    struct customer holder;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&holder, lane, "a");
    customer_get(&holder);
    struct customer *crowd = make_crowd(lane, 100);

    customer_leave(&holder);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(crowd[i].granted, i + 2);
        customer_leave(&crowd[i]);
    }

    ck_assert_int_eq(p.server->accepted, 1);
    free_crowd(crowd, 100);
    customer_fini(&holder);
    pooling_end(&p);
}
END_TEST

START_TEST(ten_thousand_waiters_of_one_tenant_delay_another_by_one)
{
    struct pooling p;
    struct customer holder;
    struct customer other;
    pooling_begin(&p, "", "{defaults: {pool: {size: 1}}, acme: {}, globex: {}}");
    struct lane *acme = pooling_lane(&p, "acme");
    customer_init(&holder, acme, "a");
    customer_get(&holder);
    struct customer *crowd = make_crowd(acme, CROWD);
    customer_init(&other, pooling_lane(&p, "globex"), "g");
    ck_assert_int_eq(customer_ask(&other), 0);

    customer_leave(&holder);
    customer_leave(&crowd[0]);

    ck_assert_int_eq(other.granted, 3);
    customer_leave(&other);
    ck_assert_ptr_nonnull(crowd[1].backend);
    free_crowd(crowd, CROWD);
    customer_fini(&holder);
    customer_fini(&other);
    pooling_end(&p);
}
END_TEST

/* The tenant of each of the first grants, by its first letter. */
static void serve_in_turn(struct customer *a, struct customer *b, int count, char *order)
{
    for (int turn = 0, i = 0, j = 0; turn < count; turn++) {
        if (a[i].backend != NULL) {
            order[turn] = 'a';
            customer_leave(&a[i++]);
        } else {
            ck_assert_ptr_nonnull(b[j].backend);
            order[turn] = 'b';
            customer_leave(&b[j++]);
        }
    }
    order[count] = '\0';
}

START_TEST(tenants_take_turns_as_their_weights_say)
{
    struct pooling p;
    struct customer holder;
    char order[13];
    pooling_begin(&p, "", "{defaults: {pool: {size: 1}}, acme: {limits: {weight: 3}}, bebop: {}}");
    struct lane *acme = pooling_lane(&p, "acme");
    customer_init(&holder, acme, "a");
    customer_get(&holder);
    struct customer *a = make_crowd(acme, 20);
    struct customer *b = make_crowd(pooling_lane(&p, "bebop"), 20);

    customer_leave(&holder);
    serve_in_turn(a, b, 12, order);

    ck_assert_str_eq(order, "aaabaaabaaab");
    free_crowd(a, 20);
    free_crowd(b, 20);
    customer_fini(&holder);
    pooling_end(&p);
}
END_TEST

START_TEST(a_tenant_without_waiters_loses_no_turn_of_the_others)
{
    struct pooling p;
    struct customer holder;
    char order[5];
    pooling_begin(&p, "", "{defaults: {pool: {size: 1}}, acme: {}, bebop: {}}");
    struct lane *acme = pooling_lane(&p, "acme");
    customer_init(&holder, acme, "a");
    customer_get(&holder);
    struct customer *a = make_crowd(acme, 3);
    struct customer *b = make_crowd(pooling_lane(&p, "bebop"), 1);

    customer_leave(&holder);
    serve_in_turn(a, b, 4, order);

    ck_assert_str_eq(order, "abaa");
    free_crowd(a, 3);
    free_crowd(b, 1);
    customer_fini(&holder);
    pooling_end(&p);
}
END_TEST

/* ---- size ---- */

START_TEST(no_more_connections_are_made_than_the_pool_may_have)
{
    struct pooling p;
    pooling_begin(&p, "", "{acme: {pool: {size: 3}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    struct customer *crowd = make_crowd(lane, 20);

    loops_until_is(&p.loop, &p.grants, 3);
    for (int i = 0; i < 20; i++) { /* each who leaves lets the next one in */
        ck_assert_uint_le(lane->pool->count, 3);
        ck_assert_ptr_nonnull(crowd[i].backend);
        customer_leave(&crowd[i]);
    }

    ck_assert_int_eq(p.grants, 20);
    ck_assert_int_eq(p.server->accepted, 3);
    free_crowd(crowd, 20);
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
    struct customer *crowd = make_crowd(lane, 2);
    loops_until_is(&p.loop, &p.grants, 2);

    lane->pool->size = 1; /* as after a reload */
    customer_leave(&crowd[0]);
    customer_leave(&crowd[1]);

    ck_assert_uint_eq(lane->pool->count, 1);
    ck_assert_uint_eq(lane->pool->idle_count, 1);
    free_crowd(crowd, 2);
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
    struct customer *crowd = make_crowd(lane, 3);
    loops_until_is(&p.loop, &p.grants, 3);

    for (int i = 0; i < 3; i++) {
        customer_leave(&crowd[i]);
    }
    peer_expect(server_next(p.server), "X");
    peer_expect(server_next(p.server), "X");

    ck_assert_uint_eq(lane->pool->count, 1);
    free_crowd(crowd, 3);
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
    struct customer *crowd = make_crowd(acme, 5);
    loops_until_is(&p.loop, &p.grants, 2);
    customer_init(&g, pooling_lane(&p, "globex"), "g");
    ck_assert_int_eq(customer_ask(&g), 0);

    customer_leave(&crowd[0]);
    loops_until_is(&p.loop, &g.granted, 3);

    ck_assert_uint_eq(acme->pool->count, 1);
    ck_assert_uint_eq(acme->pool->waiting, 3);
    free_crowd(crowd, 5);
    customer_fini(&g);
    pooling_end(&p);
}
END_TEST

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
    struct customer *crowd = make_crowd(pooling_lane(&p, "acme"), 3);
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
    free_crowd(crowd, 3);
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
    pooling_begin(&p, "connect_timeout: 50ms, login_retry: 20ms", "{acme: {}}");
    server_stop_listening(p.server);
    struct customer *crowd = make_crowd(pooling_lane(&p, "acme"), 3);

    loops_until_is(&p.loop, &crowd[2].refused, 1);

    ck_assert_int_eq(crowd[0].refused, 1);
    ck_assert_str_eq(err_sqlstate(&crowd[0].err), "08006");
    ck_assert_ptr_nonnull(strstr(crowd[0].err.text, "connection refused"));
    free_crowd(crowd, 3);
    pooling_end(&p);
}
END_TEST

START_TEST(while_a_server_is_known_to_be_down_new_customers_are_refused_at_once)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "connect_timeout: 50ms, login_retry: 1m", "{acme: {}}");
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
    pooling_begin(&p, "connect_timeout: 50ms, login_retry: 20ms", "{acme: {}}");
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
    struct customer *crowd = make_crowd(lane, 2);
    loops_until_is(&p.loop, &p.grants, 2);
    customer_leave(&crowd[0]);

    pool_retire_connections(lane->pool);
    ck_assert_uint_eq(lane->pool->count, 1);
    customer_leave(&crowd[1]);

    ck_assert_uint_eq(lane->pool->count, 0);
    free_crowd(crowd, 2);
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

START_TEST(what_the_server_reported_at_login_is_the_pools_welcome)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&c, lane, "a");
    ck_assert_slice_str(pool_welcome_value(lane->pool, slice_str("timezone")), "");

    customer_get(&c);

    ck_assert_slice_str(pool_welcome_value(lane->pool, slice_str("timezone")), "Etc/UTC");
    ck_assert_slice_str(pool_welcome_value(lane->pool, slice_str("no_such")), "");
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

static void add_serving(TCase *all)
{
    tcase_add_test(all, the_first_customer_waits_for_a_connection_to_be_made);
    tcase_add_test(all, an_idle_connection_is_given_at_once);
    tcase_add_test(all, a_connection_that_is_left_serves_the_next_waiter_before_leaving_returns);
    tcase_add_test(all, a_withdrawn_request_is_not_served);
    tcase_add_loop_test(all, a_connection_already_in_the_context_is_preferred, 0, 3);
    tcase_add_test(all, for_a_new_context_the_least_recently_used_one_is_taken);
    tcase_add_test(all, of_several_in_the_context_the_latest_used_is_taken);
    tcase_add_test(all, a_connection_whose_context_is_unknown_is_not_preferred);
    tcase_add_test(all, the_waiters_of_one_tenant_are_served_in_the_order_in_which_they_came);
    tcase_add_test(all, ten_thousand_waiters_of_one_tenant_delay_another_by_one);
    tcase_add_test(all, tenants_take_turns_as_their_weights_say);
    tcase_add_test(all, a_tenant_without_waiters_loses_no_turn_of_the_others);
}

static void add_size_and_age(TCase *all)
{
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
}

static void add_budget(TCase *all)
{
    tcase_add_test(all, for_one_that_waits_an_idle_connection_of_another_pool_is_closed);
    tcase_add_test(all, the_least_recently_used_idle_connection_makes_room);
    tcase_add_test(all, where_none_is_idle_a_starved_pool_gets_the_next_that_is_left);
    tcase_add_test(all, starved_pools_are_served_in_the_order_in_which_they_began_to_wait);
    tcase_add_test(all, a_pool_over_its_share_parts_with_one_though_its_own_wait);
}

static void add_failing(TCase *all)
{
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
    tcase_add_test(all, what_the_server_reported_at_login_is_the_pools_welcome);
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_set_timeout(all, 60);
    add_serving(all);
    add_size_and_age(all);
    add_budget(all);
    add_failing(all);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
