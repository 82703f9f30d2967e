// SPDX-License-Identifier: MIT
#include "provision/quote.h"

#include "testing.h"

typedef void (*quoter)(struct buf *out, const char *text);

static void body(struct buf *out, const char *text)
{
    quote_body(out, slice_str(text));
}

static const struct {
    quoter quote;
    const char *text;
    const char *sql;
} cases[] = {
    {quote_ident, "plain", "\"plain\""},
    {quote_ident, "Select", "\"Select\""},
    {quote_ident, "a\"b", "\"a\"\"b\""},
    {quote_ident, "a'b\\c", "\"a'b\\c\""},
    {quote_ident, "\"; DROP TABLE t; --", "\"\"\"; DROP TABLE t; --\""},
    {quote_literal, "", "''"},
    {quote_literal, "it's", "'it''s'"},
    {quote_literal, "a\\", "E'a\\\\'"},
    {quote_literal, "a\\'b", "E'a\\\\''b'"},
    {body, "SELECT 1", "$fahrend$SELECT 1$fahrend$"},
    {body, "a $fahrend$ b", "$fahrend1$a $fahrend$ b$fahrend1$"},
    {body, "$fahrend$ $fahrend1$", "$fahrend2$$fahrend$ $fahrend1$$fahrend2$"},
};

START_TEST(each_text_becomes_one_word_of_sql)
{
    struct buf out = {0};

    cases[_i].quote(&out, cases[_i].text);

    ck_assert_slice_str(buf_slice(&out), cases[_i].sql);
    buf_release(&out);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("quote");
    TCase *all = tcase_create("all");

    tcase_add_loop_test(all, each_text_becomes_one_word_of_sql, 0, sizeof cases / sizeof cases[0]);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
