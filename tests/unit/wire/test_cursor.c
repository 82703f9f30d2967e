// SPDX-License-Identifier: MIT
#include "wire/cursor.h"

#include "bytes.h"
#include "testing.h"

START_TEST(reads_numbers_in_network_order)
{
    struct cursor c = cursor_of(BYTES("\x01\x02\x03\xff\xfe\xfd\xfc"));

    ck_assert_uint_eq(cursor_u8(&c), 1);
    ck_assert_uint_eq(cursor_be16(&c), 0x0203);
    ck_assert_uint_eq(cursor_be32(&c), 0xfffefdfc);
    ck_assert(!c.bad);
    ck_assert_uint_eq(c.left.n, 0);
}
END_TEST

START_TEST(reads_a_string_without_its_terminator)
{
    struct cursor c = cursor_of(BYTES("abc\0\0rest"));

    ck_assert_text(cursor_cstr(&c), "abc");
    ck_assert_text(cursor_cstr(&c), "");
    ck_assert_text(c.left, "rest");
    ck_assert(!c.bad);
}
END_TEST

START_TEST(a_string_without_terminator_is_bad)
{
    struct cursor c = cursor_of(BYTES("abc"));

    ck_assert_text(cursor_cstr(&c), "");
    ck_assert(c.bad);
}
END_TEST

START_TEST(a_read_beyond_the_end_is_bad_and_takes_nothing)
{
    struct cursor c = cursor_of(BYTES("\x01\x02\x03"));

    ck_assert_uint_eq(cursor_be32(&c), 0);
    ck_assert(c.bad);
    ck_assert_uint_eq(c.left.n, 3);
}
END_TEST

START_TEST(after_an_error_every_read_gives_nothing)
{
    struct cursor c = cursor_of(BYTES("\x01\x02\x03\0"));
    (void)cursor_be32(&c);
    (void)cursor_u8(&c);

    ck_assert(c.bad);
    ck_assert_uint_eq(cursor_u8(&c), 0);
    ck_assert_uint_eq(cursor_be16(&c), 0);
    ck_assert_text(cursor_cstr(&c), "");
    ck_assert_text(cursor_bytes(&c, 0), "");
}
END_TEST

START_TEST(a_length_of_all_ones_is_beyond_the_end)
{
    struct cursor c = cursor_of(BYTES("abc"));

    ck_assert_text(cursor_bytes(&c, SIZE_MAX), "");
    ck_assert(c.bad);
}
END_TEST

START_TEST(nothing_can_be_read_from_nothing)
{
    struct cursor c = cursor_of(SLICE_EMPTY);

    ck_assert_text(cursor_bytes(&c, 0), "");
    ck_assert(!c.bad);
    ck_assert_text(cursor_cstr(&c), "");
    ck_assert(c.bad);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wire.cursor");
    TCase *tcase = tcase_create("cursor");

    tcase_add_test(tcase, reads_numbers_in_network_order);
    tcase_add_test(tcase, reads_a_string_without_its_terminator);
    tcase_add_test(tcase, a_string_without_terminator_is_bad);
    tcase_add_test(tcase, a_read_beyond_the_end_is_bad_and_takes_nothing);
    tcase_add_test(tcase, after_an_error_every_read_gives_nothing);
    tcase_add_test(tcase, a_length_of_all_ones_is_beyond_the_end);
    tcase_add_test(tcase, nothing_can_be_read_from_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
