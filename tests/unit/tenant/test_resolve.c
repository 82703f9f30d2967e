// SPDX-License-Identifier: MIT
#include "tenant/resolve.h"

#include "testing.h"

static const struct resolve_rule all_rules[] = {
    {RULE_PARAMETER, "app.tenant"},
    {RULE_USER, "{user}.{tenant}"},
    {RULE_DATABASE, "{database}@{tenant}"},
    {RULE_SNI, "{tenant}.db.example.com"},
    {RULE_APPLICATION_NAME, "{tenant}/{application_name}"},
    {RULE_CERTIFICATE, "cn"},
};
static const struct tenancy_config all = {.resolve = {all_rules, 6}};
static const struct tenancy_config none = {.resolve = {NULL, 0}};

static struct context_setting parameter(const char *name, const char *value)
{
    return (struct context_setting){slice_str(name), slice_str(value), false};
}

static struct resolved expect_tenant(const struct identity *identity, const char *tenant)
{
    struct resolved resolved;
    struct err err = {0};

    int rc = resolve_tenant(&all, identity, &resolved, &err);

    ck_assert_msg(rc == 0, "%s", err.text);
    ck_assert_str_eq(resolved.tenant, tenant);
    return resolved;
}

static struct err expect_refusal(const struct tenancy_config *tenancy,
                                 const struct identity *identity)
{
    struct resolved resolved;
    struct err err = {0};

    ck_assert_int_eq(resolve_tenant(tenancy, identity, &resolved, &err), ERR_NO_TENANT);
    ck_assert_int_eq(err.code, ERR_NO_TENANT);
    return err;
}

START_TEST(a_parameter_names_the_tenant_whatever_its_case)
{
    struct context_setting parameters[] = {parameter("TimeZone", "UTC"),
                                           parameter("App.Tenant", "acme")};
    struct identity identity = {.user = slice_str("app"),
                                .database = slice_str("db"),
                                .parameters = parameters,
                                .parameter_count = 2};

    struct resolved resolved = expect_tenant(&identity, "acme");

    ck_assert_slice_str(resolved.user, "app");
    ck_assert_slice_str(resolved.database, "db");
}
END_TEST

START_TEST(the_user_loses_the_tenants_part)
{
    struct identity identity = {.user = slice_str("app.acme"), .database = slice_str("db")};

    struct resolved resolved = expect_tenant(&identity, "acme");

    ck_assert_slice_str(resolved.user, "app");
    ck_assert_slice_str(resolved.database, "db");
}
END_TEST

START_TEST(the_database_loses_the_tenants_part)
{
    struct identity identity = {.user = slice_str("app"), .database = slice_str("db@acme")};

    struct resolved resolved = expect_tenant(&identity, "acme");

    ck_assert_slice_str(resolved.database, "db");
}
END_TEST

START_TEST(the_application_name_loses_the_tenants_part)
{
    struct identity identity = {.user = slice_str("app"),
                                .application_name = slice_str("acme/worker/1")};

    struct resolved resolved = expect_tenant(&identity, "acme");

    ck_assert_slice_str(resolved.application_name, "worker/1");
}
END_TEST

START_TEST(an_application_name_may_be_nothing_but_the_tenant)
{
    struct identity identity = {.application_name = slice_str("acme/")};

    struct resolved resolved = expect_tenant(&identity, "acme");

    ck_assert_uint_eq(resolved.application_name.n, 0);
}
END_TEST

START_TEST(the_tls_host_name_names_the_tenant)
{
    struct identity identity = {.sni = slice_str("acme.DB.example.com")};

    (void)expect_tenant(&identity, "acme");
}
END_TEST

START_TEST(the_certificate_names_the_tenant)
{
    struct identity identity = {.certificate_cn = slice_str("acme")};

    (void)expect_tenant(&identity, "acme");
}
END_TEST

START_TEST(all_rules_may_speak_with_one_voice)
{
    struct context_setting parameters[] = {parameter("app.tenant", "acme")};
    struct identity identity = {
        .user = slice_str("app.acme"),
        .database = slice_str("db@acme"),
        .sni = slice_str("acme.db.example.com"),
        .application_name = slice_str("acme/psql"),
        .certificate_cn = slice_str("acme"),
        .parameters = parameters,
        .parameter_count = 1,
    };

    struct resolved resolved = expect_tenant(&identity, "acme");

    ck_assert_slice_str(resolved.user, "app");
    ck_assert_slice_str(resolved.database, "db");
    ck_assert_slice_str(resolved.application_name, "psql");
}
END_TEST

START_TEST(two_rules_that_disagree_are_both_named)
{
    struct context_setting parameters[] = {parameter("app.tenant", "globex")};
    struct identity identity = {
        .user = slice_str("app.acme"), .parameters = parameters, .parameter_count = 1};

    struct err err = expect_refusal(&all, &identity);

    ck_assert_str_eq(err.text, "startup parameter \"app.tenant\" names tenant \"globex\", but user "
                               "\"{user}.{tenant}\" names \"acme\"");
}
END_TEST

START_TEST(names_that_differ_in_case_disagree)
{
    struct identity identity = {.user = slice_str("app.acme"), .database = slice_str("db@Acme")};

    (void)expect_refusal(&all, &identity);
}
END_TEST

START_TEST(a_parameter_given_twice_must_agree_with_itself)
{
    struct context_setting parameters[] = {parameter("app.tenant", "acme"),
                                           parameter("APP.TENANT", "globex")};
    struct identity identity = {.parameters = parameters, .parameter_count = 2};

    (void)expect_refusal(&all, &identity);
    parameters[1].value = slice_str("acme");
    (void)expect_tenant(&identity, "acme");
}
END_TEST

START_TEST(a_parameter_must_have_a_valid_name)
{
    const char *invalid[] = {"", "a b", "acme\"", "acme'; --", ".x"};

    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        struct context_setting parameters[] = {parameter("app.tenant", invalid[i])};
        struct identity identity = {
            .user = slice_str("app.acme"), .parameters = parameters, .parameter_count = 1};
        struct err err = expect_refusal(&all, &identity);
        ck_assert_ptr_nonnull(strstr(err.text, "invalid tenant name"));
    }
}
END_TEST

START_TEST(a_pattern_that_gives_no_name_says_nothing)
{
    struct identity identity = {.user = slice_str("app.acme"),
                                .application_name = slice_str("psql 15/report"),
                                .certificate_cn = slice_str("Jane Doe")};

    struct resolved resolved = expect_tenant(&identity, "acme");

    ck_assert_slice_str(resolved.application_name, "psql 15/report");
}
END_TEST

START_TEST(an_invalid_name_alone_is_refused)
{
    struct identity identity = {.user = slice_str("app.ac me")};

    struct err err = expect_refusal(&all, &identity);

    ck_assert_ptr_nonnull(strstr(err.text, "no tenant could be resolved"));
    ck_assert_ptr_nonnull(strstr(err.text, "invalid tenant name"));
}
END_TEST

START_TEST(a_name_of_64_bytes_is_refused)
{
    char name[65] = {0};
    struct identity identity = {.certificate_cn = slice_of(name, 64)};
    memset(name, 'x', sizeof name);

    (void)expect_refusal(&all, &identity);
    name[63] = '\0';
    identity.certificate_cn.n = 63;
    (void)expect_tenant(&identity, name);
}
END_TEST

START_TEST(a_user_or_database_never_becomes_empty)
{
    struct identity user = {.user = slice_str(".acme")};
    struct identity database = {.user = slice_str("app"), .database = slice_str("@acme")};

    (void)expect_refusal(&all, &user);
    (void)expect_refusal(&all, &database);
}
END_TEST

START_TEST(the_hint_says_how_to_name_the_tenant)
{
    struct identity identity = {.user = slice_str("app")};

    struct err err = expect_refusal(&all, &identity);

    ck_assert_str_eq(err.text, "no tenant could be resolved");
    ck_assert_ptr_nonnull(strstr(err.hint, "startup parameter \"app.tenant\""));
    ck_assert_ptr_nonnull(strstr(err.hint, "user \"{user}.{tenant}\""));
}
END_TEST

START_TEST(the_hint_names_only_whole_rules)
{
    char pattern[150];
    memset(pattern, 'x', sizeof pattern - 1);
    pattern[sizeof pattern - 1] = '\0';
    struct resolve_rule rules[] = {{RULE_PARAMETER, "app.tenant"}, {RULE_PARAMETER, pattern}};
    struct tenancy_config tenancy = {.resolve = {rules, 2}};
    struct identity identity = {.user = slice_str("app")};

    struct err err = expect_refusal(&tenancy, &identity);

    ck_assert_str_eq(err.hint, "name the tenant by startup parameter \"app.tenant\"");
}
END_TEST

START_TEST(without_rules_nobody_has_a_tenant)
{
    struct identity identity = {.user = slice_str("app.acme")};
    struct resolved resolved;

    struct err err = expect_refusal(&none, &identity);

    ck_assert_ptr_nonnull(strstr(err.hint, "tenancy.resolve"));
    ck_assert_int_eq(resolve_tenant(&none, &identity, &resolved, NULL), ERR_NO_TENANT);
}
END_TEST

START_TEST(of_two_rules_for_the_user_the_first_strips_it)
{
    struct resolve_rule rules[] = {{RULE_USER, "{user}@{tenant}"}, {RULE_USER, "{user}.{tenant}"}};
    struct tenancy_config tenancy = {.resolve = {rules, 2}};
    struct identity at = {.user = slice_str("first.last@acme")};
    struct identity dot = {.user = slice_str("app.acme")};
    struct resolved resolved;

    ck_assert_int_eq(resolve_tenant(&tenancy, &at, &resolved, NULL), 0);
    ck_assert_str_eq(resolved.tenant, "acme");
    ck_assert_slice_str(resolved.user, "first.last");
    ck_assert_int_eq(resolve_tenant(&tenancy, &dot, &resolved, NULL), 0);
    ck_assert_slice_str(resolved.user, "app");
}
END_TEST

START_TEST(a_rule_of_the_tenant_alone_leaves_the_name_whole)
{
    struct resolve_rule rules[] = {{RULE_DATABASE, "app_{tenant}"}};
    struct tenancy_config tenancy = {.resolve = {rules, 1}};
    struct identity identity = {.user = slice_str("u"), .database = slice_str("app_acme")};
    struct resolved resolved;

    ck_assert_int_eq(resolve_tenant(&tenancy, &identity, &resolved, NULL), 0);
    ck_assert_str_eq(resolved.tenant, "acme");
    ck_assert_slice_str(resolved.database, "app_acme");
}
END_TEST

START_TEST(stripping_takes_out_what_named_the_tenant)
{
    struct context_setting parameters[] = {
        parameter("application_name", "acme/psql"), parameter("APP.tenant", "acme"),
        parameter("TimeZone", "UTC"), parameter("app.tenant", "acme")};
    struct identity identity = {
        .application_name = slice_str("acme/psql"), .parameters = parameters, .parameter_count = 4};
    struct resolved resolved = expect_tenant(&identity, "acme");

    size_t left = resolve_strip(&all, &resolved, parameters, 4);

    ck_assert_uint_eq(left, 2);
    ck_assert_slice_str(parameters[0].name, "application_name");
    ck_assert_slice_str(parameters[0].value, "psql");
    ck_assert_slice_str(parameters[1].name, "TimeZone");
}
END_TEST

static TCase *make_rules(void)
{
    TCase *cases = tcase_create("rules");

    tcase_add_test(cases, a_parameter_names_the_tenant_whatever_its_case);
    tcase_add_test(cases, the_user_loses_the_tenants_part);
    tcase_add_test(cases, the_database_loses_the_tenants_part);
    tcase_add_test(cases, the_application_name_loses_the_tenants_part);
    tcase_add_test(cases, an_application_name_may_be_nothing_but_the_tenant);
    tcase_add_test(cases, the_tls_host_name_names_the_tenant);
    tcase_add_test(cases, the_certificate_names_the_tenant);
    tcase_add_test(cases, all_rules_may_speak_with_one_voice);
    tcase_add_test(cases, of_two_rules_for_the_user_the_first_strips_it);
    tcase_add_test(cases, a_rule_of_the_tenant_alone_leaves_the_name_whole);
    tcase_add_test(cases, stripping_takes_out_what_named_the_tenant);
    return cases;
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("resolve");
    TCase *cases = tcase_create("refusals");

    tcase_add_test(cases, two_rules_that_disagree_are_both_named);
    tcase_add_test(cases, names_that_differ_in_case_disagree);
    tcase_add_test(cases, a_parameter_given_twice_must_agree_with_itself);
    tcase_add_test(cases, a_parameter_must_have_a_valid_name);
    tcase_add_test(cases, a_pattern_that_gives_no_name_says_nothing);
    tcase_add_test(cases, an_invalid_name_alone_is_refused);
    tcase_add_test(cases, a_name_of_64_bytes_is_refused);
    tcase_add_test(cases, a_user_or_database_never_becomes_empty);
    tcase_add_test(cases, the_hint_says_how_to_name_the_tenant);
    tcase_add_test(cases, the_hint_names_only_whole_rules);
    tcase_add_test(cases, without_rules_nobody_has_a_tenant);
    suite_add_tcase(suite, make_rules());
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
