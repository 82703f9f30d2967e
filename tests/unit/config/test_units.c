// SPDX-License-Identifier: MIT
#include "config/units.h"

#include "testing.h"

START_TEST(times_take_each_unit)
{
    int64_t ms = -1;

    ck_assert_int_eq(units_parse_time("500ms", &ms), UNITS_OK);
    ck_assert_int_eq(ms, 500);
    ck_assert_int_eq(units_parse_time("5s", &ms), UNITS_OK);
    ck_assert_int_eq(ms, 5000);
    ck_assert_int_eq(units_parse_time("10m", &ms), UNITS_OK);
    ck_assert_int_eq(ms, 600000);
    ck_assert_int_eq(units_parse_time("1h", &ms), UNITS_OK);
    ck_assert_int_eq(ms, 3600000);
    ck_assert_int_eq(units_parse_time("1d", &ms), UNITS_OK);
    ck_assert_int_eq(ms, 86400000);
}
END_TEST

START_TEST(a_time_of_zero_needs_no_unit)
{
    int64_t ms = -1;

    ck_assert_int_eq(units_parse_time("0", &ms), UNITS_OK);
    ck_assert_int_eq(ms, 0);
    ck_assert_int_eq(units_parse_time("5", &ms), UNITS_MISSING);
}
END_TEST

START_TEST(times_refuse_what_is_no_time)
{
    int64_t ms;

    ck_assert_int_eq(units_parse_time("", &ms), UNITS_NO_NUMBER);
    ck_assert_int_eq(units_parse_time("s", &ms), UNITS_NO_NUMBER);
    ck_assert_int_eq(units_parse_time("-1s", &ms), UNITS_NO_NUMBER);
    ck_assert_int_eq(units_parse_time("1 s", &ms), UNITS_UNKNOWN);
    ck_assert_int_eq(units_parse_time("1.5s", &ms), UNITS_UNKNOWN);
    ck_assert_int_eq(units_parse_time("1S", &ms), UNITS_UNKNOWN);
    ck_assert_int_eq(units_parse_time("9223372036854775807s", &ms), UNITS_TOO_LARGE);
    ck_assert_int_eq(units_parse_time("9223372036854775808ms", &ms), UNITS_TOO_LARGE);
}
END_TEST

START_TEST(sizes_are_bytes_or_take_a_unit)
{
    int64_t bytes = -1;

    ck_assert_int_eq(units_parse_size("17", &bytes), UNITS_OK);
    ck_assert_int_eq(bytes, 17);
    ck_assert_int_eq(units_parse_size("64KiB", &bytes), UNITS_OK);
    ck_assert_int_eq(bytes, 65536);
    ck_assert_int_eq(units_parse_size("1MiB", &bytes), UNITS_OK);
    ck_assert_int_eq(bytes, 1048576);
    ck_assert_int_eq(units_parse_size("2GiB", &bytes), UNITS_OK);
    ck_assert_int_eq(bytes, 2147483648);
    ck_assert_int_eq(units_parse_size("1kB", &bytes), UNITS_UNKNOWN);
    ck_assert_int_eq(units_parse_size("9007199254740992GiB", &bytes), UNITS_TOO_LARGE);
}
END_TEST

static void check_print(void (*print)(struct buf *, int64_t), int64_t value, const char *text)
{
    struct buf out = {0};

    print(&out, value);
    buf_append_u8(&out, 0);
    ck_assert_str_eq((const char *)out.p, text);
    buf_release(&out);
}

START_TEST(values_print_in_their_largest_unit)
{
    check_print(units_print_time, 0, "0");
    check_print(units_print_time, 1500, "1500ms");
    check_print(units_print_time, 90000, "90s");
    check_print(units_print_time, 120000, "2m");
    check_print(units_print_time, 86400000, "1d");
    check_print(units_print_size, 0, "0");
    check_print(units_print_size, 1000, "1000");
    check_print(units_print_size, 65536, "64KiB");
    check_print(units_print_size, 1 << 30, "1GiB");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.units");
    TCase *tc = tcase_create("units");

    tcase_add_test(tc, times_take_each_unit);
    tcase_add_test(tc, a_time_of_zero_needs_no_unit);
    tcase_add_test(tc, times_refuse_what_is_no_time);
    tcase_add_test(tc, sizes_are_bytes_or_take_a_unit);
    tcase_add_test(tc, values_print_in_their_largest_unit);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
