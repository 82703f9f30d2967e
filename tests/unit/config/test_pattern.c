// SPDX-License-Identifier: MIT
#include "config/pattern.h"

#include "config/schema.h"
#include "testing.h"

START_TEST(a_text_without_braces_is_a_pattern)
{
    struct problem problem;

    ck_assert(pattern_check("", PLACE_TENANT, &problem));
    ck_assert(pattern_check("plain", PLACE_TENANT, &problem));
}
END_TEST

START_TEST(only_allowed_placeholders_pass)
{
    struct problem problem;

    ck_assert(pattern_check("a{tenant}b{tenant}", PLACE_TENANT, &problem));
    ck_assert(pattern_check("{schema}, {role}", PLACE_SCHEMA | PLACE_ROLE, &problem));
    ck_assert(!pattern_check("{schema}", PLACE_TENANT, &problem));
    ck_assert_str_eq(problem.text, "{schema} is no placeholder here, only {tenant}");
    ck_assert(!pattern_check("{Tenant}", PLACE_TENANT, &problem));
    ck_assert(!pattern_check("{{tenant}}", PLACE_TENANT, &problem));
}
END_TEST

START_TEST(a_brace_alone_is_refused)
{
    struct problem problem;

    ck_assert(!pattern_check("{", PLACE_TENANT, &problem));
    ck_assert_str_eq(problem.text, "{ is no placeholder here, only {tenant}");
    ck_assert(!pattern_check("{tenant}}", PLACE_TENANT, &problem));
    ck_assert_str_eq(problem.text, "a } stands without its {");
}
END_TEST

START_TEST(the_longest_message_fits)
{
    char text[1000] = "{";
    struct problem problem;

    memset(text + 1, 'x', sizeof text - 2);
    ck_assert(!pattern_check(text, PLACE_ALL, &problem));
    ck_assert_ptr_nonnull(strstr(problem.text, "{application_name}"));
}
END_TEST

START_TEST(a_rule_names_the_tenant_once)
{
    struct problem problem;

    ck_assert(pattern_check_rule("{tenant}", 0, &problem));
    ck_assert(pattern_check_rule("{user}.{tenant}", PLACE_USER, &problem));
    ck_assert(pattern_check_rule("{tenant}", PLACE_USER, &problem));
    ck_assert(!pattern_check_rule("{user}", PLACE_USER, &problem));
    ck_assert(!pattern_check_rule("{tenant}-{tenant}", 0, &problem));
    ck_assert(!pattern_check_rule("{user}{tenant}", PLACE_USER, &problem));
    ck_assert(!pattern_check_rule("{user}.{tenant}", 0, &problem));
}
END_TEST

START_TEST(settings_have_names_of_words)
{
    ck_assert(pattern_is_setting("work_mem"));
    ck_assert(pattern_is_setting("app.tenant"));
    ck_assert(pattern_is_setting("a.b$1.c_2"));
    ck_assert(!pattern_is_setting(""));
    ck_assert(!pattern_is_setting("1a"));
    ck_assert(!pattern_is_setting("a."));
    ck_assert(!pattern_is_setting(".a"));
    ck_assert(!pattern_is_setting("a..b"));
    ck_assert(!pattern_is_setting("a b"));
    ck_assert(!pattern_is_setting("a;b"));
    ck_assert(!pattern_is_setting("a'"));
}
END_TEST

START_TEST(patterns_of_tenants_have_bytes_of_names)
{
    ck_assert(pattern_is_tenants("*"));
    ck_assert(pattern_is_tenants("acme"));
    ck_assert(pattern_is_tenants("eu-*.x_*"));
    ck_assert(!pattern_is_tenants(""));
    ck_assert(!pattern_is_tenants("a b"));
    ck_assert(!pattern_is_tenants("-a"));
    ck_assert(!pattern_is_tenants("a?"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.pattern");
    TCase *tc = tcase_create("pattern");

    tcase_add_test(tc, a_text_without_braces_is_a_pattern);
    tcase_add_test(tc, only_allowed_placeholders_pass);
    tcase_add_test(tc, a_brace_alone_is_refused);
    tcase_add_test(tc, the_longest_message_fits);
    tcase_add_test(tc, a_rule_names_the_tenant_once);
    tcase_add_test(tc, settings_have_names_of_words);
    tcase_add_test(tc, patterns_of_tenants_have_bytes_of_names);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
