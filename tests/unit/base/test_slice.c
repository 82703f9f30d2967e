// SPDX-License-Identifier: MIT
#include "base/slice.h"

#include "testing.h"

START_TEST(a_c_string_gives_its_bytes_without_the_terminator)
{
    struct slice s = slice_str("abc");

    ck_assert_uint_eq(s.n, 3);
    ck_assert_mem_eq(s.p, "abc", 3);
}
END_TEST

START_TEST(no_c_string_gives_the_empty_slice)
{
    ck_assert_uint_eq(slice_str(NULL).n, 0);
    ck_assert_ptr_null(slice_str(NULL).p);
}
END_TEST

START_TEST(equality_is_of_length_and_bytes)
{
    ck_assert(slice_eq(slice_of("a\0b", 3), slice_of("a\0b", 3)));
    ck_assert(!slice_eq(slice_of("a\0b", 3), slice_of("a\0c", 3)));
    ck_assert(!slice_eq_str(slice_str("abc"), "ab"));
    ck_assert(!slice_eq_str(slice_str("ab"), "abc"));
}
END_TEST

START_TEST(empty_slices_are_equal_wherever_they_point)
{
    ck_assert(slice_eq(SLICE_EMPTY, slice_str("")));
    ck_assert(slice_eq_str(SLICE_EMPTY, ""));
    ck_assert(slice_eq_str(SLICE_EMPTY, NULL));
}
END_TEST

START_TEST(from_drops_the_front)
{
    ck_assert(slice_eq_str(slice_from(slice_str("abc"), 0), "abc"));
    ck_assert(slice_eq_str(slice_from(slice_str("abc"), 2), "c"));
}
END_TEST

START_TEST(from_the_end_or_beyond_it_is_empty)
{
    ck_assert_uint_eq(slice_from(slice_str("abc"), 3).n, 0);
    ck_assert_uint_eq(slice_from(slice_str("abc"), SIZE_MAX).n, 0);
    ck_assert_uint_eq(slice_from(SLICE_EMPTY, 0).n, 0);
}
END_TEST

START_TEST(head_is_cut_at_the_end)
{
    ck_assert(slice_eq_str(slice_head(slice_str("abc"), 2), "ab"));
    ck_assert(slice_eq_str(slice_head(slice_str("abc"), 9), "abc"));
    ck_assert(slice_eq_str(slice_head(slice_str("abc"), 0), ""));
}
END_TEST

START_TEST(find_gives_the_first_position)
{
    ck_assert_int_eq(slice_find(slice_str("abcb"), 'b'), 1);
    ck_assert_int_eq(slice_find(slice_of("a\0b", 3), 0), 1);
}
END_TEST

START_TEST(find_gives_minus_one_where_there_is_none)
{
    ck_assert_int_eq(slice_find(slice_str("abc"), 0), -1);
    ck_assert_int_eq(slice_find(SLICE_EMPTY, 'a'), -1);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("base.slice");
    TCase *tcase = tcase_create("slice");

    tcase_add_test(tcase, a_c_string_gives_its_bytes_without_the_terminator);
    tcase_add_test(tcase, no_c_string_gives_the_empty_slice);
    tcase_add_test(tcase, equality_is_of_length_and_bytes);
    tcase_add_test(tcase, empty_slices_are_equal_wherever_they_point);
    tcase_add_test(tcase, from_drops_the_front);
    tcase_add_test(tcase, from_the_end_or_beyond_it_is_empty);
    tcase_add_test(tcase, head_is_cut_at_the_end);
    tcase_add_test(tcase, find_gives_the_first_position);
    tcase_add_test(tcase, find_gives_minus_one_where_there_is_none);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
