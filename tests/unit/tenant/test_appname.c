// SPDX-License-Identifier: MIT
#include "tenant/appname.h"

#include "testing.h"

#define PATTERN "{application_name} [{tenant}]"
#define FIFTY   "0123456789_123456789_123456789_123456789_123456789"

static struct appname as(const char *pattern)
{
    return (struct appname){slice_str(pattern), slice_str("acme"), slice_str("10.0.0.7")};
}

static void assert_made(const char *pattern, const char *own, const char *name)
{
    struct appname given = as(pattern);
    char out[NAME_SIZE];

    appname_make(&given, slice_str(own), out);
    ck_assert_str_eq(out, name);
}

START_TEST(the_clients_name_and_the_tenants_stand_in_their_places)
{
    assert_made(PATTERN, "psql", "psql [acme]");
    assert_made("{tenant}/{application_name}", "psql", "acme/psql");
    assert_made("{tenant}:{application_name}@{tenant}", "{tenant}", "acme:{tenant}@acme");
}
END_TEST

START_TEST(a_client_without_a_name_leaves_no_space)
{
    assert_made(PATTERN, "", "[acme]");
    assert_made("{tenant} {application_name}", "", "acme");
}
END_TEST

START_TEST(the_clients_part_is_cut_and_not_the_tenants)
{
    assert_made(PATTERN, FIFTY "abcdefgh", FIFTY "abcdef [acme]");
    assert_made(FIFTY FIFTY "{application_name}", "psql", FIFTY "0123456789_12");
}
END_TEST

START_TEST(bytes_that_the_server_would_replace_are_replaced)
{
    assert_made(PATTERN, "caf\xc3\xa9\n", "caf??? [acme]");
}
END_TEST

START_TEST(a_name_that_was_made_gives_the_clients_part)
{
    const char *const patterns[] = {PATTERN, "{tenant}/{application_name}", "{application_name}",
                                    "{application_name} [{tenant}@{client_addr}]"};
    const char *const names[] = {"psql", "", "psql [acme]", " "};

    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            char made[NAME_SIZE];
            struct appname given = as(patterns[i]);
            struct slice own;
            appname_make(&given, slice_str(names[k]), made);
            ck_assert(appname_own(&given, slice_str(made), &own));
            ck_assert_slice_str(own, names[k]);
        }
    }
}
END_TEST

START_TEST(a_name_that_was_not_made_gives_none)
{
    const char *const names[] = {"psql", "psql [bravo]", "", "acme]", "[acme"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct appname given = as(PATTERN);
        struct slice own;
        ck_assert_msg(!appname_own(&given, slice_str(names[i]), &own), "%s", names[i]);
    }
}
END_TEST

START_TEST(the_clients_address_stands_in_its_place)
{
    assert_made("{application_name} [{tenant}@{client_addr}]", "psql", "psql [acme@10.0.0.7]");
    assert_made("{client_addr}:{application_name}", "", "10.0.0.7:");
}
END_TEST

START_TEST(what_a_connection_without_a_client_is_called_is_no_name)
{
    struct appname given = as("{application_name} [{tenant}@{client_addr}]");
    struct slice own = slice_str("not empty");

    ck_assert(appname_own(&given, slice_str("[acme@]"), &own));
    ck_assert_slice_str(own, "");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("appname");
    TCase *cases = tcase_create("appname");

    tcase_add_test(cases, the_clients_name_and_the_tenants_stand_in_their_places);
    tcase_add_test(cases, a_client_without_a_name_leaves_no_space);
    tcase_add_test(cases, the_clients_part_is_cut_and_not_the_tenants);
    tcase_add_test(cases, bytes_that_the_server_would_replace_are_replaced);
    tcase_add_test(cases, a_name_that_was_made_gives_the_clients_part);
    tcase_add_test(cases, a_name_that_was_not_made_gives_none);
    tcase_add_test(cases, the_clients_address_stands_in_its_place);
    tcase_add_test(cases, what_a_connection_without_a_client_is_called_is_no_name);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
