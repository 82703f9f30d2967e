// SPDX-License-Identifier: MIT
//
// saslprep: the examples of RFC 4013, and what PostgreSQL 15 was seen to make of odd passwords
// (CREATE ROLE … PASSWORD, then the keys in pg_authid compared with both forms).
#include "auth/saslprep.h"

#include "base/alloc.h"
#include "expect.h"

static void expect(const char *in, const char *out)
{
    struct buf prepared = {0};

    saslprep_append(&prepared, slice_str(in));

    expect_text(buf_slice(&prepared), out);
    buf_release_secret(&prepared);
}

START_TEST(ascii_stays_as_it_is)
{
    expect("", "");
    expect("USER", "USER");
    expect("with space, comma = and \x07 bell", "with space, comma = and \x07 bell");
}
END_TEST

START_TEST(invisible_characters_vanish)
{
    expect("I\xc2\xadX", "IX");
    expect("a\xe2\x81\xa0z", "az");
}
END_TEST

START_TEST(spaces_become_a_space)
{
    expect("\xc2\xa0x", " x");
    expect("a\xe3\x80\x80z", "a z");
}
END_TEST

START_TEST(text_is_normalized)
{
    expect("\xc2\xaa", "a");
    expect("\xe2\x85\xa8", "IX");
    expect("A\xcc\x8a", "\xc3\x85");
    expect("\xe2\x84\xab", "\xc3\x85");
    expect("p\xc3\xa4ssw\xc3\xb6rd \xe2\x85\xa3", "p\xc3\xa4ssw\xc3\xb6rd IV");
}
END_TEST

START_TEST(one_character_may_become_eighteen)
{
    expect("\xef\xb7\xba\xef\xb7\xba",
           "\xd8\xb5\xd9\x84\xd9\x89 \xd8\xa7\xd9\x84\xd9\x84\xd9\x87 \xd8\xb9\xd9\x84\xd9\x8a"
           "\xd9\x87 \xd9\x88\xd8\xb3\xd9\x84\xd9\x85"
           "\xd8\xb5\xd9\x84\xd9\x89 \xd8\xa7\xd9\x84\xd9\x84\xd9\x87 \xd8\xb9\xd9\x84\xd9\x8a"
           "\xd9\x87 \xd9\x88\xd8\xb3\xd9\x84\xd9\x85");
}
END_TEST

START_TEST(what_is_not_utf8_stays_as_it_is)
{
    expect("\xff\xe2\x85\xa8", "\xff\xe2\x85\xa8");
    expect("\xe2\x85", "\xe2\x85");
    expect("\xc0\x80\xe2\x85\xa8", "\xc0\x80\xe2\x85\xa8");
    expect("\xed\xa0\x80\xe2\x85\xa8", "\xed\xa0\x80\xe2\x85\xa8");
}
END_TEST

START_TEST(prohibited_characters_stay_as_they_are)
{
    expect("\xe2\x85\xa8\x07", "\xe2\x85\xa8\x07");
    expect("\xee\x80\x80\xe2\x85\xa8", "\xee\x80\x80\xe2\x85\xa8");
}
END_TEST

START_TEST(characters_are_checked_before_they_are_normalized)
{
    /* U+0340 is prohibited, U+0300 that it becomes is not. */
    expect("\xcd\x80 a", "\xcd\x80 a");
    /* U+2121 has no direction, "TEL" that it becomes has one, and the wrong one here. */
    expect("\xd7\x90\xe2\x84\xa1\xd7\x90", "\xd7\x90TEL\xd7\x90");
    /* U+1F101 was not assigned in Unicode 3.2; later it became "0,". */
    expect("\xf0\x9f\x84\x81x", "\xf0\x9f\x84\x81x");
}
END_TEST

START_TEST(mixed_directions_stay_as_they_are)
{
    expect("\xd8\xa7"
           "1\xe2\x85\xa8",
           "\xd8\xa7"
           "1\xe2\x85\xa8");
    expect("\xef\xac\x9d(", "\xef\xac\x9d(");
}
END_TEST

START_TEST(a_password_of_nothing_visible_stays_as_it_is)
{
    expect("\xc2\xad", "\xc2\xad");
}
END_TEST

START_TEST(only_short_text_is_prepared)
{
    char *in = x_zalloc(SASLPREP_MAX + 2);
    memset(in, 'a', SASLPREP_MAX - 2);
    memcpy(in + SASLPREP_MAX - 2, "\xc2\xaa", 2);
    struct buf prepared = {0};

    saslprep_append(&prepared, slice_str(in));
    ck_assert_uint_eq(buf_size(&prepared), SASLPREP_MAX - 1);
    buf_clear(&prepared);
    memcpy(in + SASLPREP_MAX - 2, "a\xc2\xaa", 3);
    saslprep_append(&prepared, slice_str(in));

    expect_text(buf_slice(&prepared), in);
    buf_release_secret(&prepared);
    secure_free(in);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("auth.saslprep");
    TCase *tc = tcase_create("saslprep");

    tcase_add_test(tc, ascii_stays_as_it_is);
    tcase_add_test(tc, invisible_characters_vanish);
    tcase_add_test(tc, spaces_become_a_space);
    tcase_add_test(tc, text_is_normalized);
    tcase_add_test(tc, one_character_may_become_eighteen);
    tcase_add_test(tc, what_is_not_utf8_stays_as_it_is);
    tcase_add_test(tc, prohibited_characters_stay_as_they_are);
    tcase_add_test(tc, characters_are_checked_before_they_are_normalized);
    tcase_add_test(tc, mixed_directions_stay_as_they_are);
    tcase_add_test(tc, a_password_of_nothing_visible_stays_as_it_is);
    tcase_add_test(tc, only_short_text_is_prepared);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
