// SPDX-License-Identifier: MIT
//
// What a scrape takes of one turn of a worker is bounded, however many tenants and pools there are.
#include "admin/account_sum.h"
#include "admin/pool_sum.h"

#include <stdio.h>

#include "admin/record.h"
#include "pooling.h"
#include "testing.h"

enum { TENANTS = 10000, A_TURN = 200, POOLS = 1000, POOLS_A_TURN = 100 };

static struct proxy proxy;

/* Turns until the work is done; `most` becomes the records that the largest of them made. */
static int run_turns(gather_work work, size_t record, size_t *most, struct gather_part *part)
{
    struct question all = {.scope = GATHER_ALL};
    size_t before = 0;
    int turns = 0;
    enum gather_step step;

    *most = 0;
    do {
        step = work(&proxy, &all, part);
        size_t now = buf_size(&part->answer) / record;
        *most = now - before > *most ? now - before : *most;
        before = now;
        turns++;
    } while (step == GATHER_AGAIN);
    ck_assert_int_eq(step, GATHER_DONE);
    return turns;
}

START_TEST(ten_thousand_tenants_are_copied_a_few_hundred_in_a_turn)
{
    struct gather_part part = {.state = 0};
    char name[16];
    size_t most;
    for (int i = 0; i < TENANTS; i++) {
        int n = snprintf(name, sizeof name, "t%d", i);
        (void)account_find_or_add(&proxy.pools.accounts, NULL, slice_of(name, (size_t)n));
    }

    int turns = run_turns(account_sum_collect, sizeof(struct account_record), &most, &part);

    ck_assert_uint_eq(most, A_TURN);
    ck_assert_int_eq(turns, TENANTS / A_TURN);
    ck_assert_uint_eq(buf_size(&part.answer), TENANTS * sizeof(struct account_record));
    buf_release(&part.answer);
    account_free_all(&proxy.pools.accounts);
}
END_TEST

/* Pools of a table; a bucket is copied whole, and holds ten at most. */
START_TEST(a_thousand_pools_are_copied_a_hundred_in_a_turn)
{
    struct gather_part part = {.state = 0};
    struct pooling p;
    char tenant[16];
    struct buf tenants = {0};
    size_t most;
    buf_printf(&tenants, "{defaults: {strategy: database}");
    for (int i = 0; i < POOLS; i++) {
        buf_printf(&tenants, ", t%d: {}", i);
    }
    buf_printf(&tenants, "}");
    buf_append_u8(&tenants, 0);
    pooling_begin(&p, "", (const char *)buf_slice(&tenants).p);
    buf_release(&tenants);
    for (int i = 0; i < POOLS; i++) {
        (void)snprintf(tenant, sizeof tenant, "t%d", i);
        (void)pooling_lane(&p, tenant);
    }
    proxy.pools.pools = p.pools.pools;

    int turns = run_turns(pool_sum_collect, sizeof(struct pool_record), &most, &part);

    ck_assert_uint_ge(most, POOLS_A_TURN);
    ck_assert_uint_lt(most, POOLS_A_TURN + 10);
    ck_assert_int_ge(turns, POOLS / (POOLS_A_TURN + 10));
    ck_assert_uint_eq(buf_size(&part.answer), POOLS * sizeof(struct pool_record));
    buf_release(&part.answer);
    pooling_end(&p);
}
END_TEST

START_TEST(the_longest_waiting_is_found_without_a_walk)
{
    struct gather_part part = {.state = 0};
    struct pooling p;
    struct customer holder;
    struct customer first;
    size_t most;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}, globex: {pool: {size: 1}}}");
    customer_init(&holder, pooling_lane(&p, "acme"), "a");
    customer_init(&first, pooling_lane(&p, "globex"), "g");
    customer_get(&holder);
    ck_assert_int_eq(customer_ask(&first), 0);
    first.request.since = 7;
    struct customer *crowd = crowd_new(pooling_lane(&p, "acme"), 3);
    proxy.pools.pools = p.pools.pools;

    (void)run_turns(pool_sum_collect, sizeof(struct pool_record), &most, &part);

    const struct pool_record *r = (const void *)buf_slice(&part.answer).p;
    ck_assert_uint_eq(r->waiting, 4);
    ck_assert_uint_eq(r->waiting_since, 7);
    buf_release(&part.answer);
    customer_fini(&holder);
    customer_fini(&first);
    crowd_free(crowd, 3);
    pooling_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("view_turns");
    TCase *cases = tcase_create("view_turns");

    tcase_add_test(cases, ten_thousand_tenants_are_copied_a_few_hundred_in_a_turn);
    tcase_add_test(cases, a_thousand_pools_are_copied_a_hundred_in_a_turn);
    tcase_add_test(cases, the_longest_waiting_is_found_without_a_walk);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
