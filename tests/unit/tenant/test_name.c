// SPDX-License-Identifier: MIT
#include "tenant/name.h"

#include "testing.h"

#define NAME_63 "a23456789_123456789_123456789_123456789_123456789_123456789_123"

static const struct name_values values = {
    .tenant = {(const uint8_t *)"acme", 4},
    .schema = {(const uint8_t *)"s_acme", 6},
    .user = {(const uint8_t *)"app", 3},
};

START_TEST(names_of_letters_digits_and_inner_marks_are_valid)
{
    const char *valid[] = {"a", "Z", "_", "0", "acme", "acme.eu-1", "a_b", "a-", "a.", NAME_63};

    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        ck_assert_msg(name_valid(slice_str(valid[i])), "%s", valid[i]);
    }
}
END_TEST

START_TEST(other_names_are_not)
{
    const char *invalid[] = {"",    ".a",  "-a",  "a b",       "a\"b",     "a'b",
                             "a;b", "a\n", "a/b", NAME_63 "x", "\xc3\xa4", "a{b}"};

    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        ck_assert_msg(!name_valid(slice_str(invalid[i])), "%s", invalid[i]);
    }
    ck_assert(!name_valid(slice_of("a\0b", 3)));
}
END_TEST

START_TEST(placeholders_are_replaced_wherever_they_stand)
{
    char out[NAME_SIZE];

    ck_assert_int_eq(name_expand(slice_str("{tenant}"), &values, out, NULL), 0);
    ck_assert_str_eq(out, "acme");
    ck_assert_int_eq(name_expand(slice_str("x{user}_{tenant}{tenant}y"), &values, out, NULL), 0);
    ck_assert_str_eq(out, "xapp_acmeacmey");
    ck_assert_int_eq(name_expand(slice_str("{schema}"), &values, out, NULL), 0);
    ck_assert_str_eq(out, "s_acme");
    ck_assert_int_eq(name_expand(slice_str("plain"), &values, out, NULL), 0);
    ck_assert_str_eq(out, "plain");
}
END_TEST

START_TEST(a_value_is_not_expanded_again)
{
    struct name_values odd = {.tenant = slice_str("{user}"), .user = slice_str("x")};
    char out[NAME_SIZE];

    ck_assert_int_eq(name_expand(slice_str("{tenant}"), &odd, out, NULL), 0);
    ck_assert_str_eq(out, "{user}");
}
END_TEST

START_TEST(sixty_three_bytes_fit_and_one_more_is_refused)
{
    struct name_values longest = {.tenant = slice_str(NAME_63)};
    char out[NAME_SIZE];
    struct err err = {0};

    ck_assert_int_eq(name_expand(slice_str("{tenant}"), &longest, out, &err), 0);
    ck_assert_str_eq(out, NAME_63);
    ck_assert_int_eq(name_expand(slice_str("t{tenant}"), &longest, out, &err), ERR_INVALID_VALUE);
    ck_assert_int_eq(name_expand(slice_str("{tenant}t"), &longest, out, &err), ERR_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(err.text, "{tenant}t"));
}
END_TEST

START_TEST(a_placeholder_without_value_is_refused)
{
    char out[NAME_SIZE];
    struct err err = {0};

    ck_assert_int_eq(name_expand(slice_str("x{role}"), &values, out, &err), ERR_CONFIG);
    ck_assert_int_eq(name_expand(slice_str("x{nobody}"), &values, out, &err), ERR_CONFIG);
    ck_assert_int_eq(name_expand(slice_str("x{tenant"), &values, out, &err), ERR_CONFIG);
}
END_TEST

START_TEST(an_empty_name_is_refused)
{
    char out[NAME_SIZE];

    ck_assert_int_eq(name_expand(SLICE_EMPTY, &values, out, NULL), ERR_INVALID_VALUE);
    ck_assert_int_eq(name_copy("user", SLICE_EMPTY, out, NULL), ERR_INVALID_VALUE);
}
END_TEST

START_TEST(a_copied_name_is_never_cut)
{
    char out[NAME_SIZE];
    struct err err = {0};

    ck_assert_int_eq(name_copy("database", slice_str(NAME_63), out, &err), 0);
    ck_assert_str_eq(out, NAME_63);
    ck_assert_int_eq(name_copy("database", slice_str(NAME_63 "x"), out, &err), ERR_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(err.text, "database"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("name");
    TCase *cases = tcase_create("name");

    tcase_add_test(cases, names_of_letters_digits_and_inner_marks_are_valid);
    tcase_add_test(cases, other_names_are_not);
    tcase_add_test(cases, placeholders_are_replaced_wherever_they_stand);
    tcase_add_test(cases, a_value_is_not_expanded_again);
    tcase_add_test(cases, sixty_three_bytes_fit_and_one_more_is_refused);
    tcase_add_test(cases, a_placeholder_without_value_is_refused);
    tcase_add_test(cases, an_empty_name_is_refused);
    tcase_add_test(cases, a_copied_name_is_never_cut);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
