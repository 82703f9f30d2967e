// SPDX-License-Identifier: MIT
#include "base/err.h"

#include "testing.h"

#include <errno.h>

START_TEST(setting_gives_code_and_text_and_returns_the_code)
{
    struct err err = {.sqlstate = "12345", .hint = "old"};

    ck_assert_int_eq(err_set(&err, ERR_SYNTAX, "bad %s %d", "word", 7), ERR_SYNTAX);

    ck_assert_int_eq(err.code, ERR_SYNTAX);
    ck_assert_str_eq(err.text, "bad word 7");
    ck_assert_str_eq(err.sqlstate, "");
    ck_assert_str_eq(err.hint, "");
}
END_TEST

START_TEST(nobody_has_to_listen)
{
    ck_assert_int_eq(err_set(NULL, ERR_SYNTAX, "x"), ERR_SYNTAX);
    err_hint(NULL, "x");
    err_wrap(NULL, "x");
}
END_TEST

START_TEST(a_text_too_long_is_cut)
{
    struct err err;

    (void)err_set(&err, ERR_SYNTAX, "%0*d", ERR_TEXT_MAX * 2, 1);
    err_hint(&err, "%0*d", ERR_TEXT_MAX * 2, 1);

    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
    ck_assert_uint_eq(strlen(err.hint), sizeof err.hint - 1);
}
END_TEST

START_TEST(wrapping_puts_where_before_what)
{
    struct err err;
    (void)err_set(&err, -ETIMEDOUT, "timed out");

    err_wrap(&err, "connect %s:%d", "10.0.0.5", 5432);
    err_wrap(&err, "pool");

    ck_assert_str_eq(err.text, "pool: connect 10.0.0.5:5432: timed out");
    ck_assert_int_eq(err.code, -ETIMEDOUT);
}
END_TEST

START_TEST(wrapping_cuts_the_end)
{
    struct err err;
    (void)err_set(&err, ERR_SYNTAX, "%0*d", ERR_TEXT_MAX - 1, 1);

    err_wrap(&err, "pool");

    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
    ck_assert_mem_eq(err.text, "pool: 000", 9);
}
END_TEST

START_TEST(wrapping_in_a_prefix_too_long_stays_terminated)
{
    struct err err;
    (void)err_set(&err, ERR_SYNTAX, "text");

    err_wrap(&err, "%0*d", ERR_TEXT_MAX * 2, 1);

    ck_assert_uint_lt(strlen(err.text), ERR_TEXT_MAX);
    ck_assert_mem_eq(err.text, "0000", 4);
}
END_TEST

START_TEST(every_code_but_the_servers_names_a_sqlstate_and_a_text)
{
    static const int codes[] = {
#define X(code, sqlstate, text) code,
        ERR_MAP(X)
#undef X
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert_int_lt(codes[i], -4095); /* below every errno */
        ck_assert_uint_gt(strlen(err_code_text(codes[i])), 0);
        ck_assert_uint_eq(strlen(err_code_sqlstate(codes[i])), codes[i] == ERR_SERVER ? 0 : 5);
    }
}
END_TEST

START_TEST(an_errno_counts_as_a_failed_connection)
{
    ck_assert_str_eq(err_code_sqlstate(-ECONNREFUSED), "08006");
    ck_assert_str_eq(err_code_text(-ECONNREFUSED), strerror(ECONNREFUSED));
}
END_TEST

START_TEST(the_servers_own_sqlstate_wins)
{
    struct err err = {.code = ERR_SERVER, .sqlstate = "42P01"};

    ck_assert_str_eq(err_sqlstate(&err), "42P01");
    ck_assert_str_eq(err_sqlstate(&(struct err){.code = ERR_PASSWORD}), "28P01");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("base.err");
    TCase *tcase = tcase_create("err");

    tcase_add_test(tcase, setting_gives_code_and_text_and_returns_the_code);
    tcase_add_test(tcase, nobody_has_to_listen);
    tcase_add_test(tcase, a_text_too_long_is_cut);
    tcase_add_test(tcase, wrapping_puts_where_before_what);
    tcase_add_test(tcase, wrapping_cuts_the_end);
    tcase_add_test(tcase, wrapping_in_a_prefix_too_long_stays_terminated);
    tcase_add_test(tcase, every_code_but_the_servers_names_a_sqlstate_and_a_text);
    tcase_add_test(tcase, an_errno_counts_as_a_failed_connection);
    tcase_add_test(tcase, the_servers_own_sqlstate_wins);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
