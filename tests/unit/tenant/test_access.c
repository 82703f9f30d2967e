// SPDX-License-Identifier: MIT
#include "tenant/access.h"

#include "testing.h"

START_TEST(any_of_the_patterns_lets_in)
{
    const char *items[] = {"globex", "acme-*"};
    struct strings patterns = {items, 2};

    ck_assert(access_allows(&patterns, slice_str("globex")));
    ck_assert(access_allows(&patterns, slice_str("acme-eu")));
    ck_assert(!access_allows(&patterns, slice_str("initech")));
}
END_TEST

START_TEST(no_pattern_lets_nobody_in)
{
    struct strings patterns = {NULL, 0};
    struct err err = {0};

    int rc = access_check(&patterns, slice_str("app"), slice_str("acme"), &err);

    ck_assert_int_eq(rc, ERR_NOT_ALLOWED);
    ck_assert_str_eq(err.text, "user \"app\" may not enter tenant \"acme\"");
    ck_assert_str_eq(err_sqlstate(&err), "28000");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("access");
    TCase *cases = tcase_create("access");

    tcase_add_test(cases, any_of_the_patterns_lets_in);
    tcase_add_test(cases, no_pattern_lets_nobody_in);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
