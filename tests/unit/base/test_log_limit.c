// SPDX-License-Identifier: MIT
#include "base/log_limit.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

static struct log_limit limit;
static uint64_t told;        /* in all */
static char told_tenant[64]; /* of the last */

static void on_told(const struct log_kind *kind, uint64_t hidden)
{
    told += hidden;
    (void)snprintf(told_tenant, sizeof told_tenant, "%s", kind->tenant);
}

static void begin(void)
{
    limit = (struct log_limit){.tell = on_told};
    told = 0;
}

static const char format[] = "client closed id=%d";

/* How many of n lines pass. */
static int offer(const char *tenant, int n, int64_t now)
{
    struct log_kind kind = {.format = format};
    int passed = 0;

    (void)snprintf(kind.tenant, sizeof kind.tenant, "%s", tenant);
    for (int i = 0; i < n; i++) {
        passed += log_limit_pass(&limit, &kind, now) ? 1 : 0;
    }
    return passed;
}

START_TEST(the_head_ends_before_the_first_key)
{
    ck_assert_uint_eq(log_limit_head("client closed id=%d x=%s"), strlen("client closed"));
    ck_assert_uint_eq(log_limit_head("reload: %s"), strlen("reload:"));
    ck_assert_uint_eq(log_limit_head("drained"), strlen("drained"));
    ck_assert_uint_eq(log_limit_head("%s%s"), 0);
    ck_assert_uint_eq(log_limit_head("reason=\"%s\""), 0);
}
END_TEST

START_TEST(a_window_lets_the_first_pass_and_the_next_window_again)
{
    begin();

    ck_assert_int_eq(offer("acme", 30, 100), LOG_LIMIT_BURST);
    ck_assert_int_eq(offer("acme", 30, 100 + LOG_LIMIT_WINDOW), LOG_LIMIT_BURST);
    ck_assert_uint_eq(told, 20);
    ck_assert_str_eq(told_tenant, "acme");
}
END_TEST

START_TEST(what_is_due_is_told_once)
{
    begin();
    (void)offer("acme", 12, 100);

    log_limit_sweep(&limit, 101, false);
    ck_assert_uint_eq(told, 0);
    log_limit_sweep(&limit, 100 + LOG_LIMIT_WINDOW, false);
    log_limit_sweep(&limit, 100 + LOG_LIMIT_WINDOW, true);
    ck_assert_uint_eq(told, 2);
    ck_assert_uint_eq(limit.telling, 0);
}
END_TEST

START_TEST(many_tenants_together_are_limited_too_and_nothing_is_lost)
{
    char tenant[16];
    int passed = 0;
    begin();

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(tenant, sizeof tenant, "t%d", i);
        passed += offer(tenant, 1, 100);
    }
    log_limit_sweep(&limit, 100, true);

    ck_assert_int_eq(passed, LOG_LIMIT_BURST_OF_ALL);
    ck_assert_uint_eq(told + (uint64_t)passed, 1000);
}
END_TEST

START_TEST(a_clock_that_goes_back_begins_a_window)
{
    begin();
    (void)offer("acme", 11, 100);

    ck_assert_int_eq(offer("acme", 1, 50), 1);
    ck_assert_uint_eq(told, 1);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("log_limit");
    TCase *cases = tcase_create("log_limit");

    tcase_add_test(cases, the_head_ends_before_the_first_key);
    tcase_add_test(cases, a_window_lets_the_first_pass_and_the_next_window_again);
    tcase_add_test(cases, what_is_due_is_told_once);
    tcase_add_test(cases, many_tenants_together_are_limited_too_and_nothing_is_lost);
    tcase_add_test(cases, a_clock_that_goes_back_begins_a_window);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
