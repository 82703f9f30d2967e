// SPDX-License-Identifier: MIT
#include "wire/extended.h"

#include "base/err.h"
#include "bytes.h"
#include "testing.h"

START_TEST(parse_gives_name_query_and_types)
{
    struct parse_view v;

    ck_assert_int_eq(extended_parse(BYTES("s1\0select $1\0\0\x01\0\0\0\x17"), &v), 0);
    ck_assert_text(v.statement, "s1");
    ck_assert_text(v.query, "select $1");
    ck_assert_bytes(v.types, BYTES("\0\x01\0\0\0\x17"));
}
END_TEST

START_TEST(parse_of_the_unnamed_statement_has_an_empty_name)
{
    struct parse_view v;

    ck_assert_int_eq(extended_parse(BYTES("\0\0\0\0"), &v), 0);
    ck_assert_text(v.statement, "");
    ck_assert_text(v.query, "");
    ck_assert_uint_eq(v.types.n, 2);
}
END_TEST

START_TEST(every_prefix_of_a_parse_is_refused)
{
    struct slice body = BYTES("s1\0select $1\0\0\x02\0\0\0\x17\0\0\0\x19");
    struct parse_view v;

    for (size_t n = 0; n < body.n; n++) {
        ck_assert_int_eq(extended_parse(slice_head(body, n), &v), ERR_PROTOCOL);
        ck_assert_uint_eq(v.query.n, 0);
    }
    ck_assert_int_eq(extended_parse(body, &v), 0);
}
END_TEST

START_TEST(a_parse_that_lies_about_its_types_is_refused)
{
    struct parse_view v;

    ck_assert_int_eq(extended_parse(BYTES("\0x\0\xff\xff\0\0\0\x17"), &v), ERR_PROTOCOL);
    ck_assert_int_eq(extended_parse(BYTES("\0x\0\0\0\0\0\0\x17"), &v), ERR_PROTOCOL);
}
END_TEST

START_TEST(bind_gives_both_names_and_leaves_the_rest)
{
    struct bind_view v;

    ck_assert_int_eq(extended_bind(BYTES("p\0s1\0\0\0\0\x01\0\0\0\x01x\0\0"), &v), 0);
    ck_assert_text(v.portal, "p");
    ck_assert_text(v.statement, "s1");
    ck_assert_bytes(v.rest, BYTES("\0\0\0\x01\0\0\0\x01x\0\0"));
}
END_TEST

START_TEST(a_bind_without_both_names_is_refused)
{
    struct bind_view v;

    ck_assert_int_eq(extended_bind(SLICE_EMPTY, &v), ERR_PROTOCOL);
    ck_assert_int_eq(extended_bind(BYTES("p\0"), &v), ERR_PROTOCOL);
    ck_assert_int_eq(extended_bind(BYTES("p\0s1"), &v), ERR_PROTOCOL);
    ck_assert_uint_eq(v.portal.n, 0);
}
END_TEST

START_TEST(a_target_is_a_statement_or_a_portal)
{
    struct target_view v;

    ck_assert_int_eq(extended_target(BYTES("Ss1\0"), &v), 0);
    ck_assert_uint_eq(v.kind, 'S');
    ck_assert_text(v.name, "s1");
    ck_assert_int_eq(extended_target(BYTES("P\0"), &v), 0);
    ck_assert_uint_eq(v.kind, 'P');
    ck_assert_text(v.name, "");
}
END_TEST

START_TEST(a_target_of_another_form_is_refused)
{
    struct target_view v;

    ck_assert_int_eq(extended_target(SLICE_EMPTY, &v), ERR_PROTOCOL);
    ck_assert_int_eq(extended_target(BYTES("S"), &v), ERR_PROTOCOL);
    ck_assert_int_eq(extended_target(BYTES("Ss1"), &v), ERR_PROTOCOL);
    ck_assert_int_eq(extended_target(BYTES("Xs1\0"), &v), ERR_PROTOCOL);
    ck_assert_int_eq(extended_target(BYTES("Ss1\0s2\0"), &v), ERR_PROTOCOL);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wire.extended");
    TCase *tcase = tcase_create("extended");

    tcase_add_test(tcase, parse_gives_name_query_and_types);
    tcase_add_test(tcase, parse_of_the_unnamed_statement_has_an_empty_name);
    tcase_add_test(tcase, every_prefix_of_a_parse_is_refused);
    tcase_add_test(tcase, a_parse_that_lies_about_its_types_is_refused);
    tcase_add_test(tcase, bind_gives_both_names_and_leaves_the_rest);
    tcase_add_test(tcase, a_bind_without_both_names_is_refused);
    tcase_add_test(tcase, a_target_is_a_statement_or_a_portal);
    tcase_add_test(tcase, a_target_of_another_form_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
