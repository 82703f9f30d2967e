// SPDX-License-Identifier: MIT
#include "wire/token.h"

#include "bytes.h"
#include "testing.h"

/* What stands first in the text. */
static struct slice first(const char *sql)
{
    struct slice s = slice_str(sql);
    return token_next(&s);
}

static struct slice first_name(const char *sql)
{
    struct slice s = slice_str(sql);
    return token_next_name(&s);
}

START_TEST(words_and_single_bytes_come_in_order)
{
    struct slice sql = slice_str("SET a.b$1=$2");

    ck_assert_text(token_next(&sql), "SET");
    ck_assert_text(token_next(&sql), "a");
    ck_assert_text(token_next(&sql), ".");
    ck_assert_text(token_next(&sql), "b$1");
    ck_assert_text(token_next(&sql), "=");
    ck_assert_text(token_next(&sql), "$");
    ck_assert_text(token_next(&sql), "2");
    ck_assert_text(token_next(&sql), "");
    ck_assert_text(token_next(&sql), "");
}
END_TEST

START_TEST(white_space_of_every_kind_is_skipped)
{
    ck_assert_text(first(" \t\n\v\f\rbegin "), "begin");
}
END_TEST

START_TEST(semicolons_are_skipped)
{
    struct slice sql = slice_str(" ; ;begin;commit;");

    ck_assert_text(token_next(&sql), "begin");
    ck_assert_text(token_next(&sql), "commit");
    ck_assert_text(token_next(&sql), "");
}
END_TEST

START_TEST(a_line_comment_ends_with_its_line)
{
    ck_assert_text(first("-- begin\ncommit"), "commit");
    ck_assert_text(first("--\rcommit"), "commit");
    ck_assert_text(first("-- begin"), "");
    ck_assert_text(first("--"), "");
}
END_TEST

START_TEST(block_comments_nest)
{
    ck_assert_text(first("/* a /* b */ begin */ commit"), "commit");
    ck_assert_text(first("/**//***/ /*/ begin */commit"), "commit");
    ck_assert_text(first("/*//* begin */*/commit"), "commit");
}
END_TEST

START_TEST(a_comment_never_closed_hides_the_rest)
{
    ck_assert_text(first("/* /* */ begin"), "");
    ck_assert_text(first("/*"), "");
    ck_assert_text(first("/*/"), "");
}
END_TEST

START_TEST(comments_separate_words)
{
    struct slice sql = slice_str("set/**/role--x\nadmin");

    ck_assert_text(token_next(&sql), "set");
    ck_assert_text(token_next(&sql), "role");
    ck_assert_text(token_next(&sql), "admin");
}
END_TEST

START_TEST(half_a_comment_is_an_operator)
{
    ck_assert_text(first("-1"), "-");
    ck_assert_text(first("/ 2"), "/");
    ck_assert_text(first("-"), "-");
    ck_assert_text(first("/"), "/");
}
END_TEST

START_TEST(the_text_ends_at_a_nul)
{
    struct slice sql = BYTES("begin\0commit");

    ck_assert_text(token_next(&sql), "begin");
    ck_assert_text(token_next(&sql), "");
    ck_assert_uint_eq(sql.n, 0);
}
END_TEST

START_TEST(bytes_above_127_belong_to_words)
{
    ck_assert_text(first("set\xc3\xa9 x"), "set\xc3\xa9");
    ck_assert_text(first("\xc3\xa9t\xc3\xa9"), "\xc3\xa9t\xc3\xa9");
}
END_TEST

START_TEST(an_empty_text_has_no_token)
{
    struct slice sql = SLICE_EMPTY;

    ck_assert_text(token_next(&sql), "");
    ck_assert_text(token_next_name(&sql), "");
}
END_TEST

START_TEST(a_quoted_name_keeps_its_quotes)
{
    struct slice sql = slice_str("\"a \"\" b\" 'it''s' plain");

    ck_assert_text(token_next_name(&sql), "\"a \"\" b\"");
    ck_assert_text(token_next_name(&sql), "'it''s'");
    ck_assert_text(token_next_name(&sql), "plain");
    ck_assert_text(token_next_name(&sql), "");
}
END_TEST

START_TEST(what_looks_like_a_comment_in_quotes_is_not_one)
{
    ck_assert_text(first_name(" /* x */ \"--a/*;\" b"), "\"--a/*;\"");
}
END_TEST

START_TEST(a_quote_never_closed_takes_the_rest)
{
    ck_assert_text(first_name("\"a b"), "\"a b");
    ck_assert_text(first_name("\"a\"\""), "\"a\"\"");
    ck_assert_text(first_name("'"), "'");
}
END_TEST

START_TEST(a_plain_token_stops_at_a_quote)
{
    struct slice sql = slice_str("a\"b");

    ck_assert_text(token_next(&sql), "a");
    ck_assert_text(token_next(&sql), "\"");
    ck_assert_text(token_next(&sql), "b");
}
END_TEST

START_TEST(keywords_compare_in_any_case)
{
    ck_assert(token_is(slice_str("DisCard"), "discard"));
    ck_assert(token_is(slice_str("discard"), "discard"));
    ck_assert(!token_is(slice_str("discards"), "discard"));
    ck_assert(!token_is(slice_str("discar"), "discard"));
    ck_assert(!token_is(slice_str("\"discard\""), "discard"));
    ck_assert(!token_is(SLICE_EMPTY, "discard"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wire.token");
    TCase *tcase = tcase_create("token");

    tcase_add_test(tcase, words_and_single_bytes_come_in_order);
    tcase_add_test(tcase, white_space_of_every_kind_is_skipped);
    tcase_add_test(tcase, semicolons_are_skipped);
    tcase_add_test(tcase, a_line_comment_ends_with_its_line);
    tcase_add_test(tcase, block_comments_nest);
    tcase_add_test(tcase, a_comment_never_closed_hides_the_rest);
    tcase_add_test(tcase, comments_separate_words);
    tcase_add_test(tcase, half_a_comment_is_an_operator);
    tcase_add_test(tcase, the_text_ends_at_a_nul);
    tcase_add_test(tcase, bytes_above_127_belong_to_words);
    tcase_add_test(tcase, an_empty_text_has_no_token);
    tcase_add_test(tcase, a_quoted_name_keeps_its_quotes);
    tcase_add_test(tcase, what_looks_like_a_comment_in_quotes_is_not_one);
    tcase_add_test(tcase, a_quote_never_closed_takes_the_rest);
    tcase_add_test(tcase, a_plain_token_stops_at_a_quote);
    tcase_add_test(tcase, keywords_compare_in_any_case);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
