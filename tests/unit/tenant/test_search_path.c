// SPDX-License-Identifier: MIT
#include "tenant/search_path.h"

#include "testing.h"

static const struct name_values values = {
    .tenant = {(const uint8_t *)"Acme", 4},
    .schema = {(const uint8_t *)"tenant_Acme", 11},
    .role = {(const uint8_t *)"o\"dd", 4},
};

static void expect(const char *pattern, const char *list)
{
    char out[128];
    struct err err = {0};

    int rc = search_path_expand(pattern, &values, out, sizeof out, &err);

    ck_assert_msg(rc == 0, "%s: %s", pattern, err.text);
    ck_assert_str_eq(out, list);
}

START_TEST(an_element_with_a_placeholder_is_quoted_whole)
{
    expect("{schema}", "\"tenant_Acme\"");
    expect("t_{tenant}_x", "\"t_Acme_x\"");
}
END_TEST

START_TEST(an_element_that_is_quoted_already_is_quoted_once)
{
    expect("\"{schema}\"", "\"tenant_Acme\"");
    expect("\"a, {tenant}\"", "\"a, Acme\"");
}
END_TEST

START_TEST(a_quote_in_a_value_is_doubled)
{
    expect("{role}", "\"o\"\"dd\"");
}
END_TEST

START_TEST(other_elements_stay_as_they_are)
{
    expect("{schema},public , \"$user\", \"a,b\"\"c\"",
           "\"tenant_Acme\", public, \"$user\", \"a,b\"\"c\"");
    expect("public", "public");
    expect("", "");
}
END_TEST

START_TEST(a_quote_beside_a_placeholder_is_refused)
{
    char out[128];
    struct err err = {0};

    ck_assert_int_eq(search_path_expand("\"{tenant}\"\"\"", &values, out, sizeof out, &err),
                     ERR_CONFIG);
    ck_assert_int_eq(search_path_expand("a\"{tenant}", &values, out, sizeof out, &err), ERR_CONFIG);
}
END_TEST

START_TEST(an_element_that_is_too_long_is_refused)
{
    char out[256];

    ck_assert_int_eq(
        search_path_expand("a23456789_123456789_123456789_123456789_123456789_123456789_{tenant}",
                           &values, out, sizeof out, NULL),
        ERR_INVALID_VALUE);
}
END_TEST

START_TEST(a_list_that_does_not_fit_is_refused)
{
    char out[8];
    struct err err = {0};

    ck_assert_int_eq(search_path_expand("1234567", &values, out, sizeof out, &err), 0);
    ck_assert_str_eq(out, "1234567");
    ck_assert_int_eq(search_path_expand("12345678", &values, out, sizeof out, &err), ERR_CONFIG);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("search_path");
    TCase *cases = tcase_create("search_path");

    tcase_add_test(cases, an_element_with_a_placeholder_is_quoted_whole);
    tcase_add_test(cases, an_element_that_is_quoted_already_is_quoted_once);
    tcase_add_test(cases, a_quote_in_a_value_is_doubled);
    tcase_add_test(cases, other_elements_stay_as_they_are);
    tcase_add_test(cases, a_quote_beside_a_placeholder_is_refused);
    tcase_add_test(cases, an_element_that_is_too_long_is_refused);
    tcase_add_test(cases, a_list_that_does_not_fit_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
