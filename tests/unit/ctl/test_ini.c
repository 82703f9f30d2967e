// SPDX-License-Identifier: MIT
#include "ctl/ini.h"

#include <stdio.h>

#include "testing.h"

static struct ini_reader reader;
static struct ini_line line;
static struct ini_text name;
static struct ini_text value;
static struct err err;

static void read_text(const char *text)
{
    reader = (struct ini_reader){.rest = slice_str(text)};
    err = (struct err){0};
}

static void ck_copied(struct ini_text text, const char *expected)
{
    char *copy = ini_copy(text);

    ck_assert_str_eq(copy, expected);
    free(copy);
}

static void ck_pair(const char *key, const char *text)
{
    ck_assert_int_eq(ini_next(&reader, &line, &err), 1);
    ck_assert_int_eq(line.kind, INI_PAIR);
    ck_copied(line.name, key);
    ck_copied(line.value, text);
}

START_TEST(sections_and_pairs_are_read_in_order)
{
    read_text("[pgbouncer]\n listen_port=6432 \n\nempty =\n");

    ck_assert_int_eq(ini_next(&reader, &line, &err), 1);
    ck_assert_int_eq(line.kind, INI_SECTION);
    ck_assert_slice_str(line.name.raw, "pgbouncer");
    ck_pair("listen_port", "6432");
    ck_assert_int_eq(reader.line, 2);
    ck_pair("empty", "");
    ck_assert_int_eq(reader.line, 4);
    ck_assert_int_eq(ini_next(&reader, &line, &err), 0);
}
END_TEST

START_TEST(comments_stand_alone_in_their_line)
{
    read_text("; one\n# two\nkey = value ; not a comment\r\n");

    ck_pair("key", "value ; not a comment");
    ck_assert_int_eq(reader.line, 3);
    ck_assert_int_eq(ini_next(&reader, &line, &err), 0);
}
END_TEST

START_TEST(a_key_may_be_quoted)
{
    read_text("\"a \"\"b\"\"\" = x\n* = y");

    ck_pair("a \"b\"", "x");
    ck_pair("*", "y");
}
END_TEST

START_TEST(an_include_names_a_file)
{
    read_text("%include /etc/other file.ini");

    ck_assert_int_eq(ini_next(&reader, &line, &err), 1);
    ck_assert_int_eq(line.kind, INI_INCLUDE);
    ck_assert_slice_str(line.value.raw, "/etc/other file.ini");
}
END_TEST

START_TEST(a_broken_line_does_not_end_the_file)
{
    static const char *const broken[] = {"key\n",     "= x\n",      "[section\n", "[a] b\n",
                                         "\"k = x\n", "%include\n", "k y = z\n",  "'k' = x\n"};

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%snext = 1", broken[i]);
        read_text(text);
        ck_assert_int_eq(ini_next(&reader, &line, &err), ERR_CONFIG);
        ck_assert_int_eq(reader.line, 1);
        ck_pair("next", "1");
    }
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    reader = (struct ini_reader){.rest = slice_of("a = b\0c", 7)};
    ck_assert_int_eq(ini_next(&reader, &line, &err), ERR_CONFIG);
    reader = (struct ini_reader){.rest = slice_of("\"a\" \"b\0\"", 8)};
    ck_assert_int_eq(ini_next_user(&reader, &name, &value, &err), ERR_CONFIG);
}
END_TEST

START_TEST(a_connection_string_is_taken_apart)
{
    struct slice rest = slice_str("host=10.0.0.1 port = 1  password='it''s a b' user=x=y empty=''");

    ck_assert_int_eq(ini_next_pair(&rest, &name, &value, &err), 1);
    ck_copied(name, "host");
    ck_copied(value, "10.0.0.1");
    ck_assert_int_eq(ini_next_pair(&rest, &name, &value, &err), 1);
    ck_copied(name, "port");
    ck_copied(value, "1");
    ck_assert_int_eq(ini_next_pair(&rest, &name, &value, &err), 1);
    ck_copied(value, "it's a b");
    ck_assert_int_eq(ini_next_pair(&rest, &name, &value, &err), 1);
    ck_copied(value, "x=y");
    ck_assert_int_eq(ini_next_pair(&rest, &name, &value, &err), 1);
    ck_copied(value, "");
    ck_assert_int_eq(ini_next_pair(&rest, &name, &value, &err), 0);
}
END_TEST

START_TEST(a_broken_connection_string_is_given_up)
{
    static const char *const broken[] = {"host", "=x", "host=a '", "password='open",
                                         "password='a''"};

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct slice rest = slice_str(broken[i]);
        int rc;
        while ((rc = ini_next_pair(&rest, &name, &value, &err)) > 0) {
        }
        ck_assert_int_eq(rc, ERR_CONFIG);
        ck_assert_int_eq(ini_next_pair(&rest, &name, &value, &err), 0);
    }
}
END_TEST

START_TEST(users_have_quoted_names_and_passwords)
{
    read_text("; users\n\"app\" \"se;c\"\"ret\" rest of the line\n\n\"md5\"\t\"md50\"\n");

    ck_assert_int_eq(ini_next_user(&reader, &name, &value, &err), 1);
    ck_assert_int_eq(reader.line, 2);
    ck_copied(name, "app");
    ck_copied(value, "se;c\"ret");
    ck_assert_int_eq(ini_next_user(&reader, &name, &value, &err), 1);
    ck_copied(name, "md5");
    ck_assert_int_eq(ini_next_user(&reader, &name, &value, &err), 0);
}
END_TEST

START_TEST(a_broken_user_is_told_and_the_next_is_read)
{
    read_text("app secret\n\"app\"\n\"app\" \"open\n\"b\" \"c\"\n");

    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(ini_next_user(&reader, &name, &value, &err), ERR_CONFIG);
        ck_assert_int_eq(reader.line, i);
    }
    ck_assert_int_eq(ini_next_user(&reader, &name, &value, &err), 1);
    ck_copied(name, "b");
}
END_TEST

START_TEST(words_stand_between_commas)
{
    struct slice rest = slice_str(" a, b c ,,d,");
    struct slice word;

    ck_assert(ini_next_word(&rest, &word));
    ck_assert_slice_str(word, "a");
    ck_assert(ini_next_word(&rest, &word));
    ck_assert_slice_str(word, "b c");
    ck_assert(ini_next_word(&rest, &word));
    ck_assert_slice_str(word, "d");
    ck_assert(!ini_next_word(&rest, &word));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("ini");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, sections_and_pairs_are_read_in_order);
    tcase_add_test(tc, comments_stand_alone_in_their_line);
    tcase_add_test(tc, a_key_may_be_quoted);
    tcase_add_test(tc, an_include_names_a_file);
    tcase_add_test(tc, a_broken_line_does_not_end_the_file);
    tcase_add_test(tc, a_nul_byte_is_refused);
    tcase_add_test(tc, a_connection_string_is_taken_apart);
    tcase_add_test(tc, a_broken_connection_string_is_given_up);
    tcase_add_test(tc, users_have_quoted_names_and_passwords);
    tcase_add_test(tc, a_broken_user_is_told_and_the_next_is_read);
    tcase_add_test(tc, words_stand_between_commas);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
