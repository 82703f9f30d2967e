// SPDX-License-Identifier: MIT
#include "wire/frame.h"

#include "bytes.h"
#include "testing.h"

START_TEST(a_header_says_type_and_whole_size)
{
    struct frame frame;

    ck_assert_int_eq(frame_peek(BYTES("Q\0\0\0\x0dselect 1"), &frame), FRAME_OK);
    ck_assert_uint_eq(frame.type, WIRE_QUERY);
    ck_assert_uint_eq(frame.size, 14);
}
END_TEST

START_TEST(the_body_lies_behind_the_header)
{
    struct slice s = BYTES("C\0\0\0\x0aSTART\0Z\0\0\0\x05I");
    struct frame frame;
    (void)frame_peek(s, &frame);

    struct slice body = frame_body(s, &frame);

    ck_assert_uint_eq(body.n, 6);
    ck_assert_str_eq((const char *)body.p, "START");
}
END_TEST

START_TEST(a_message_may_have_no_body)
{
    struct slice s = BYTES("S\0\0\0\x04");
    struct frame frame;

    ck_assert_int_eq(frame_peek(s, &frame), FRAME_OK);
    ck_assert_uint_eq(frame_body(s, &frame).n, 0);
}
END_TEST

START_TEST(fewer_than_five_bytes_are_short)
{
    struct frame frame;

    for (size_t n = 0; n < FRAME_HEADER; n++) {
        ck_assert_int_eq(frame_peek(slice_head(BYTES("S\0\0\0\x04"), n), &frame), FRAME_SHORT);
    }
}
END_TEST

START_TEST(a_length_below_its_own_size_is_bad)
{
    struct frame frame;

    ck_assert_int_eq(frame_peek(BYTES("S\0\0\0\x03"), &frame), FRAME_BAD);
    ck_assert_int_eq(frame_peek(BYTES("S\0\0\0\0"), &frame), FRAME_BAD);
}
END_TEST

START_TEST(the_longest_message_has_a_size_that_fits)
{
    struct frame frame;

    ck_assert_int_eq(frame_peek(BYTES("d\x7f\xff\xff\xfe"), &frame), FRAME_OK);
    ck_assert_uint_eq(frame.size, 0x7fffffff);
}
END_TEST

START_TEST(a_length_beyond_it_is_bad)
{
    struct frame frame;

    ck_assert_int_eq(frame_peek(BYTES("d\x7f\xff\xff\xff"), &frame), FRAME_BAD);
    ck_assert_int_eq(frame_peek(BYTES("d\xff\xff\xff\xff"), &frame), FRAME_BAD);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wire.frame");
    TCase *tcase = tcase_create("frame");

    tcase_add_test(tcase, a_header_says_type_and_whole_size);
    tcase_add_test(tcase, the_body_lies_behind_the_header);
    tcase_add_test(tcase, a_message_may_have_no_body);
    tcase_add_test(tcase, fewer_than_five_bytes_are_short);
    tcase_add_test(tcase, a_length_below_its_own_size_is_bad);
    tcase_add_test(tcase, the_longest_message_has_a_size_that_fits);
    tcase_add_test(tcase, a_length_beyond_it_is_bad);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
