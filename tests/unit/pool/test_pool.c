// SPDX-License-Identifier: MIT
#include "pool/pool.h"

#include "loops.h"
#include "pooling.h"
#include "testing.h"

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

    lane_withdraw(&second.request);
    lane_withdraw(&second.request);
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

START_TEST(the_waiters_of_one_tenant_are_served_in_the_order_in_which_they_came)
{
    struct pooling p;
    struct customer holder;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    customer_init(&holder, lane, "a");
    customer_get(&holder);
    struct customer *crowd = crowd_new(lane, 100);

    customer_leave(&holder);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(crowd[i].granted, i + 2);
        customer_leave(&crowd[i]);
    }

    ck_assert_int_eq(p.server->accepted, 1);
    crowd_free(crowd, 100);
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
    struct customer *crowd = crowd_new(acme, CROWD);
    customer_init(&other, pooling_lane(&p, "globex"), "g");
    ck_assert_int_eq(customer_ask(&other), 0);

    customer_leave(&holder);
    customer_leave(&crowd[0]);

    ck_assert_int_eq(other.granted, 3);
    customer_leave(&other);
    ck_assert_ptr_nonnull(crowd[1].backend);
    crowd_free(crowd, CROWD);
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
    struct customer *a = crowd_new(acme, 20);
    struct customer *b = crowd_new(pooling_lane(&p, "bebop"), 20);

    customer_leave(&holder);
    serve_in_turn(a, b, 12, order);

    ck_assert_str_eq(order, "aaabaaabaaab");
    crowd_free(a, 20);
    crowd_free(b, 20);
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
    struct customer *a = crowd_new(acme, 3);
    struct customer *b = crowd_new(pooling_lane(&p, "bebop"), 1);

    customer_leave(&holder);
    serve_in_turn(a, b, 4, order);

    ck_assert_str_eq(order, "abaa");
    crowd_free(a, 3);
    crowd_free(b, 1);
    customer_fini(&holder);
    pooling_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
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
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
