// SPDX-License-Identifier: MIT
#include "base/glob.h"

#include "base/alloc.h"
#include "testing.h"

static bool match(const char *pattern, const char *name)
{
    return glob_match(slice_str(pattern), slice_str(name));
}

START_TEST(without_a_star_names_are_compared)
{
    ck_assert(match("acme", "acme"));
    ck_assert(!match("acme", "acme2"));
    ck_assert(!match("acme", "acm"));
    ck_assert(!match("acme", "Acme"));
    ck_assert(!match("a.me", "acme"));
    ck_assert(!match("a?me", "acme"));
    ck_assert(!match("", "acme"));
}
END_TEST

START_TEST(a_star_stands_for_any_bytes)
{
    ck_assert(match("*", "acme"));
    ck_assert(match("*", ""));
    ck_assert(match("a*", "acme"));
    ck_assert(match("a*", "a"));
    ck_assert(match("*me", "acme"));
    ck_assert(match("a*e", "acme"));
    ck_assert(!match("a*", "bacme"));
    ck_assert(!match("*me", "acmes"));
}
END_TEST

START_TEST(stars_may_be_many)
{
    ck_assert(match("**", "acme"));
    ck_assert(match("a*-*-e", "a-b-c-e"));
    ck_assert(match("*ab*ab*", "xababx"));
    ck_assert(match("*b*b", "abcb"));
    ck_assert(!match("*ab*ab*", "xabax"));
    ck_assert(!match("a*-*-e", "a-e"));
}
END_TEST

START_TEST(ends_may_not_overlap)
{
    ck_assert(!match("ab*ba", "aba"));
    ck_assert(match("ab*ba", "abba"));
    ck_assert(!match("a*a", "a"));
    ck_assert(!match("a*ba*a", "aba"));
}
END_TEST

START_TEST(a_hostile_pattern_takes_linear_time)
{
    /* Backtracking would need about 2^500 steps, and quadratic work 10^12. */
    enum { STARS = 500, NAME = 2000000 };
    char *pattern = x_alloc(STARS * 2 + 1);
    char *name = x_alloc(NAME);
    for (size_t i = 0; i < STARS; i++) {
        memcpy(pattern + i * 2, "a*", 2);
    }
    pattern[STARS * 2] = 'b';
    memset(name, 'a', NAME);

    ck_assert(!glob_match(slice_of(pattern, STARS * 2 + 1), slice_of(name, NAME)));

    free(pattern);
    free(name);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("glob");
    TCase *cases = tcase_create("glob");

    tcase_add_test(cases, without_a_star_names_are_compared);
    tcase_add_test(cases, a_star_stands_for_any_bytes);
    tcase_add_test(cases, stars_may_be_many);
    tcase_add_test(cases, ends_may_not_overlap);
    tcase_add_test(cases, a_hostile_pattern_takes_linear_time);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
