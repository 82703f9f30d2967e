// SPDX-License-Identifier: MIT
#include "admin/stats_sum.h"

#include "testing.h"

static struct stats_history history;
static struct stats_sum sum;

static void set_up(void)
{
    history = (struct stats_history){.older = {.at = 1000}, .newer = {.at = 1000}};
    sum = (struct stats_sum){.name = {.server = "main", .database = "app"}};
}

static void tear_down(void)
{
    stats_history_fini(&history);
}

/* Somebody asks at this time, when so many queries have been made; returns how many lie between,
 * and what time. */
static uint64_t ask(uint64_t at, uint64_t queries, uint64_t *ms)
{
    struct stats_sample now = {.at = at};

    sum.stats.queries = queries;
    HASH_ADD(hh, now.sums, name, sizeof sum.name, &sum);
    const struct stats_sample *base = stats_history_note(&history, &now);
    struct account_stats then = stats_sum_of(base->sums, &sum.name);
    HASH_DEL(now.sums, &sum);
    *ms = at - base->at;
    return queries - then.queries;
}

START_TEST(at_first_it_is_compared_with_the_start)
{
    uint64_t ms;

    ck_assert_uint_eq(ask(3000, 10, &ms), 10);
    ck_assert_uint_eq(ms, 2000);
}
END_TEST

START_TEST(who_asks_often_gets_one_to_two_minutes)
{
    uint64_t ms = 0;

    for (uint64_t at = 1000; at <= 1000000; at += 15000) {
        uint64_t queries = ask(at, at, &ms);
        ck_assert_uint_eq(queries, ms == at - 1000 ? at : ms); /* one each millisecond */
        ck_assert_uint_le(ms, 2 * STATS_PERIOD);
        ck_assert(at < 1000 + STATS_PERIOD || ms >= STATS_PERIOD);
    }
}
END_TEST

START_TEST(who_asks_seldom_gets_the_time_since_the_last_asking)
{
    uint64_t ms;

    (void)ask(100000, 100, &ms);
    (void)ask(500000, 200, &ms);

    ck_assert_uint_eq(ask(900000, 350, &ms), 150);
    ck_assert_uint_eq(ms, 400000);
}
END_TEST

START_TEST(a_database_that_is_new_begins_with_nothing)
{
    struct stats_name other = {.server = "main", .database = "new"};
    uint64_t ms;

    (void)ask(100000, 100, &ms);

    ck_assert_uint_eq(stats_sum_of(history.newer.sums, &other).queries, 0);
    ck_assert_uint_eq(stats_sum_of(history.newer.sums, &sum.name).queries, 100);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("stats_sum");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, at_first_it_is_compared_with_the_start);
    tcase_add_test(tc, who_asks_often_gets_one_to_two_minutes);
    tcase_add_test(tc, who_asks_seldom_gets_the_time_since_the_last_asking);
    tcase_add_test(tc, a_database_that_is_new_begins_with_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
