// SPDX-License-Identifier: MIT
#include "tenant/split.h"

#include "testing.h"

static void expect(const char *pattern, const char *name, const char *tenant, const char *rest)
{
    struct split_parts parts;

    ck_assert_msg(split_name(slice_str(pattern), slice_str(name), false, &parts), "%s on %s",
                  pattern, name);
    ck_assert_slice_str(parts.tenant, tenant);
    ck_assert_int_eq(parts.has_rest, rest != NULL);
    ck_assert_slice_str(parts.rest, rest == NULL ? "" : rest);
}

static void expect_none(const char *pattern, const char *name)
{
    struct split_parts parts;

    ck_assert_msg(!split_name(slice_str(pattern), slice_str(name), false, &parts), "%s on %s",
                  pattern, name);
}

START_TEST(tenant_last_is_what_follows_the_last_separator)
{
    expect("{user}.{tenant}", "app.acme", "acme", "app");
    expect("{user}.{tenant}", "first.last.acme", "acme", "first.last");
    expect("{database}@{tenant}", "app@acme", "acme", "app");
    expect("{user}--{tenant}", "a---b", "b", "a-");
}
END_TEST

START_TEST(tenant_first_is_what_precedes_the_first_separator)
{
    expect("{tenant}/{application_name}", "acme/psql", "acme", "psql");
    expect("{tenant}/{application_name}", "acme/a/b", "acme", "a/b");
    expect("{tenant}--{user}", "a---b", "a", "-b");
}
END_TEST

START_TEST(a_lone_placeholder_takes_all_between_the_literals)
{
    expect("{tenant}.db.example.com", "acme.db.example.com", "acme", NULL);
    expect("{tenant}", "acme", "acme", NULL);
    expect("db_{tenant}_x", "db_a_x_x", "a_x", NULL);
}
END_TEST

START_TEST(literals_around_two_placeholders_are_taken_off)
{
    expect("<{user}|{tenant}>", "<app|acme>", "acme", "app");
    expect_none("<{user}|{tenant}>", "<app|acme");
    expect_none("<{user}|{tenant}>", "app|acme>");
}
END_TEST

START_TEST(a_name_without_the_literals_does_not_match)
{
    expect_none("{user}.{tenant}", "app");
    expect_none("{user}.{tenant}", "");
    expect_none("{tenant}.db.example.com", "acme.db.example.org");
    expect_none("{tenant}.db.example.com", "db.example.com");
    expect_none("aba{tenant}aba", "aba");
}
END_TEST

START_TEST(the_tenant_is_never_empty_but_the_rest_may_be)
{
    expect_none("{user}.{tenant}", "app.");
    expect_none("{tenant}", "");
    expect_none("{tenant}/{application_name}", "/psql");
    expect("{tenant}/{application_name}", "acme/", "acme", "");
}
END_TEST

START_TEST(a_malformed_split_namees_nothing)
{
    expect_none("", "");
    expect_none("plain", "plain");
    expect_none("{user}", "app");
    expect_none("{tenant", "{tenant");
    expect_none("{user}{tenant}", "appacme");
    expect_none("{tenant}.{tenant}", "a.a");
}
END_TEST

START_TEST(literals_fold_only_where_asked)
{
    struct split_parts parts;
    struct slice pattern = slice_str("{tenant}.db.Example.com");
    struct slice name = slice_str("Acme.DB.eXample.com");

    ck_assert(!split_name(pattern, name, false, &parts));
    ck_assert(split_name(pattern, name, true, &parts));
    ck_assert_slice_str(parts.tenant, "Acme");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("split");
    TCase *cases = tcase_create("split");

    tcase_add_test(cases, tenant_last_is_what_follows_the_last_separator);
    tcase_add_test(cases, tenant_first_is_what_precedes_the_first_separator);
    tcase_add_test(cases, a_lone_placeholder_takes_all_between_the_literals);
    tcase_add_test(cases, literals_around_two_placeholders_are_taken_off);
    tcase_add_test(cases, a_name_without_the_literals_does_not_match);
    tcase_add_test(cases, the_tenant_is_never_empty_but_the_rest_may_be);
    tcase_add_test(cases, a_malformed_split_namees_nothing);
    tcase_add_test(cases, literals_fold_only_where_asked);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
