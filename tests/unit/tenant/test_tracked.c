// SPDX-License-Identifier: MIT
#include "tenant/tracked.h"

#include "testing.h"

START_TEST(settable_reports_have_numbers_of_their_own)
{
    bool seen[TRACKED_COUNT] = {false};

    for (int i = 0; i < TRACKED_COUNT; i++) {
        int number = tracked_number(tracked_name(i));

        ck_assert_int_eq(number, i);
        ck_assert(!seen[number]);
        seen[number] = true;
    }
}
END_TEST

START_TEST(a_name_is_tracked_in_any_case)
{
    ck_assert_int_ge(tracked_number(slice_str("datestyle")), 0);
    ck_assert_int_eq(tracked_number(slice_str("datestyle")),
                     tracked_number(slice_str("DateStyle")));
    ck_assert_int_eq(tracked_number(slice_str("TIMEZONE")), tracked_number(slice_str("TimeZone")));
}
END_TEST

START_TEST(what_describes_the_server_is_not_tracked)
{
    const char *others[] = {"server_version",    "server_encoding", "is_superuser",
                            "integer_datetimes", "in_hot_standby",  "session_authorization"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ck_assert_msg(tracked_number(slice_str(others[i])) < 0, "%s", others[i]);
        ck_assert_msg(tracked_describes_server(slice_str(others[i])), "%s", others[i]);
    }
    ck_assert_int_lt(tracked_number(slice_str("statement_timeout")), 0);
    ck_assert_int_lt(tracked_number(slice_str("")), 0);
    ck_assert(!tracked_describes_server(slice_str("statement_timeout")));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tracked");
    TCase *cases = tcase_create("tracked");

    tcase_add_test(cases, settable_reports_have_numbers_of_their_own);
    tcase_add_test(cases, a_name_is_tracked_in_any_case);
    tcase_add_test(cases, what_describes_the_server_is_not_tracked);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
