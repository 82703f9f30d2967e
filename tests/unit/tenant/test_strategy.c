// SPDX-License-Identifier: MIT
#include "tenant/strategy.h"

#include <stdio.h>

#include "testing.h"

#define LONG_NAME "a23456789_123456789_123456789_123456789_123456789_123456789_123"

static struct tenant_config make_config(enum strategy_kind strategy)
{
    return (struct tenant_config){
        .server = "main",
        .database = "app",
        .strategy = strategy,
        .login = {.kind = LOGIN_CLIENT},
        .role = "role_{tenant}",
        .rls = {.setting = "app.tenant"},
        .schema = {.name = "schema_{tenant}", .search_path = "{schema}, public"},
        .dedicated = {.name = "db_{tenant}"},
    };
}

static const struct login login = {.user = {(const uint8_t *)"bob", 3},
                                   .database = {(const uint8_t *)"sales", 5}};

static void make_plan(const struct tenant_config *config, struct plan *plan)
{
    static struct tenant tenant;
    struct err err = {0};

    tenant = (struct tenant){.name = "acme", .config = config};
    int rc = strategy_plan(&tenant, &login, plan, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
}

static int fail_plan(const struct tenant_config *config, const char *name, struct err *err)
{
    struct tenant tenant = {.name = name, .config = config};
    struct plan plan;

    return strategy_plan(&tenant, &login, &plan, err);
}

static void expect_setting(const struct plan *plan, const char *name, const char *value)
{
    for (size_t i = 0; i < plan->setting_count; i++) {
        if (slice_eq_str(plan->settings[i].name, name)) {
            ck_assert_slice_str(plan->settings[i].value, value);
            ck_assert(plan->settings[i].fixed);
            return;
        }
    }
    ck_abort_msg("no setting %s", name);
}

START_TEST(rls_shares_database_and_role_and_sets_the_tenant)
{
    struct tenant_config config = make_config(STRATEGY_RLS);
    struct plan plan;

    make_plan(&config, &plan);

    ck_assert_str_eq(plan.server, "main");
    ck_assert_str_eq(plan.database, "app");
    ck_assert_str_eq(plan.role, "bob");
    ck_assert_int_eq(plan.credential, CREDENTIAL_CLIENT);
    ck_assert(!plan.dedicated);
    ck_assert(!plan.sealed);
    ck_assert_uint_eq(plan.setting_count, 1);
    expect_setting(&plan, "app.tenant", "acme");
}
END_TEST

START_TEST(rls_may_be_sealed)
{
    struct tenant_config config = make_config(STRATEGY_RLS);
    struct plan plan;
    config.rls.seal = true;

    make_plan(&config, &plan);

    ck_assert(plan.sealed);
}
END_TEST

START_TEST(schema_sets_the_search_path)
{
    struct tenant_config config = make_config(STRATEGY_SCHEMA);
    struct plan plan;
    config.rls.seal = true; /* says nothing here */

    make_plan(&config, &plan);

    ck_assert_str_eq(plan.database, "app");
    ck_assert_uint_eq(plan.setting_count, 1);
    expect_setting(&plan, "search_path", "\"schema_acme\", public");
    ck_assert(!plan.dedicated);
    ck_assert(!plan.sealed);
}
END_TEST

START_TEST(the_search_path_may_name_the_role)
{
    struct tenant_config config = make_config(STRATEGY_SCHEMA);
    struct plan plan;
    config.schema.search_path = "{role}";

    make_plan(&config, &plan);

    expect_setting(&plan, "search_path", "\"role_acme\"");
}
END_TEST

START_TEST(database_is_dedicated_whoever_logs_in)
{
    struct tenant_config config = make_config(STRATEGY_DATABASE);
    struct plan plan;

    make_plan(&config, &plan);

    ck_assert_str_eq(plan.database, "db_acme");
    ck_assert_str_eq(plan.role, "bob");
    ck_assert(plan.dedicated);
    ck_assert_uint_eq(plan.setting_count, 0);
}
END_TEST

START_TEST(none_shares_everything)
{
    struct tenant_config config = make_config(STRATEGY_NONE);
    struct plan plan;

    make_plan(&config, &plan);

    ck_assert_str_eq(plan.database, "app");
    ck_assert(!plan.dedicated);
    ck_assert_uint_eq(plan.setting_count, 0);
}
END_TEST

START_TEST(the_tenants_role_makes_any_pool_dedicated)
{
    for (int strategy = STRATEGY_RLS; strategy <= STRATEGY_NONE; strategy++) {
        struct tenant_config config = make_config((enum strategy_kind)strategy);
        struct plan plan;
        config.login.kind = LOGIN_TENANT;

        make_plan(&config, &plan);

        ck_assert_str_eq(plan.role, "role_acme");
        ck_assert_int_eq(plan.credential, CREDENTIAL_TENANT);
        ck_assert(plan.dedicated);
    }
}
END_TEST

START_TEST(a_fixed_login_brings_its_own_secret)
{
    struct tenant_config config = make_config(STRATEGY_RLS);
    struct plan plan;
    config.login = (struct login_config){
        .kind = LOGIN_FIXED, .user = "rls_{tenant}", .password = {.kind = SECRET_TEXT}};

    make_plan(&config, &plan);

    ck_assert_str_eq(plan.role, "rls_acme");
    ck_assert_int_eq(plan.credential, CREDENTIAL_FIXED);
    ck_assert_ptr_eq(plan.password, &config.login.password);
    ck_assert(!plan.dedicated);
}
END_TEST

START_TEST(without_a_database_the_client_chooses)
{
    struct tenant_config config = make_config(STRATEGY_RLS);
    struct tenant tenant = {.name = "acme", .config = &config};
    struct login by_user = {.user = slice_str("bob")};
    struct plan plan;
    config.database = NULL;

    make_plan(&config, &plan);
    ck_assert_str_eq(plan.database, "sales");

    ck_assert_int_eq(strategy_plan(&tenant, &by_user, &plan, NULL), 0);
    ck_assert_str_eq(plan.database, "bob");
}
END_TEST

START_TEST(the_tenants_settings_are_fixed_too)
{
    struct setting items[] = {{"statement_timeout", "30s"}, {"work_mem", "4MB"}};
    struct tenant_config config = make_config(STRATEGY_RLS);
    struct plan plan;
    config.settings = (struct settings){items, 2};

    make_plan(&config, &plan);

    ck_assert_uint_eq(plan.setting_count, 3);
    expect_setting(&plan, "statement_timeout", "30s");
    expect_setting(&plan, "work_mem", "4MB");
    ck_assert(plan_fixes(&plan, slice_str("Work_Mem")));
    ck_assert(!plan_fixes(&plan, slice_str("work")));
}
END_TEST

START_TEST(the_tenants_settings_cannot_replace_the_strategys)
{
    struct setting items[] = {{"APP.tenant", "globex"}, {"Search_Path", "public"}};
    struct tenant_config rls = make_config(STRATEGY_RLS);
    struct tenant_config schema = make_config(STRATEGY_SCHEMA);
    struct err err = {0};
    rls.settings = (struct settings){&items[0], 1};
    schema.settings = (struct settings){&items[1], 1};

    ck_assert_int_eq(fail_plan(&rls, "acme", &err), ERR_CONFIG);
    ck_assert_str_eq(err.text,
                     "tenant acme: setting \"app.tenant\" belongs to the tenant's strategy");
    ck_assert_int_eq(fail_plan(&schema, "acme", &err), ERR_CONFIG);
}
END_TEST

START_TEST(more_settings_than_a_context_holds_are_refused)
{
    struct setting items[LIMIT_CONTEXT_SETTINGS];
    char names[LIMIT_CONTEXT_SETTINGS][8];
    struct tenant_config config = make_config(STRATEGY_NONE);
    struct err err = {0};
    for (int i = 0; i < LIMIT_CONTEXT_SETTINGS; i++) {
        (void)snprintf(names[i], sizeof names[i], "x.y%d", i);
        items[i] = (struct setting){names[i], "1"};
    }
    config.settings = (struct settings){items, LIMIT_CONTEXT_SETTINGS};

    ck_assert_int_eq(fail_plan(&config, "acme", &err), 0);
    config.strategy = STRATEGY_RLS;
    ck_assert_int_eq(fail_plan(&config, "acme", &err), ERR_CONFIG);
}
END_TEST

START_TEST(names_that_would_be_cut_are_refused)
{
    struct tenant_config database = make_config(STRATEGY_DATABASE);
    struct tenant_config schema = make_config(STRATEGY_SCHEMA);
    struct tenant_config role = make_config(STRATEGY_RLS);
    struct err err = {0};
    role.login.kind = LOGIN_TENANT;

    ck_assert_int_eq(fail_plan(&database, LONG_NAME, &err), ERR_INVALID_VALUE);
    ck_assert_int_eq(fail_plan(&schema, LONG_NAME, &err), ERR_INVALID_VALUE);
    ck_assert_int_eq(fail_plan(&role, LONG_NAME, &err), ERR_INVALID_VALUE);
}
END_TEST

static bool reserves(enum strategy_kind strategy, const char *name)
{
    struct tenant_config config = make_config(strategy);
    struct tenant tenant = {.name = "acme", .config = &config};

    return strategy_reserves(&tenant, slice_str(name));
}

START_TEST(every_strategy_reserves_who_one_is)
{
    for (int strategy = STRATEGY_RLS; strategy <= STRATEGY_NONE; strategy++) {
        ck_assert(reserves((enum strategy_kind)strategy, "role"));
        ck_assert(reserves((enum strategy_kind)strategy, "ROLE"));
        ck_assert(reserves((enum strategy_kind)strategy, "session_authorization"));
        ck_assert(!reserves((enum strategy_kind)strategy, "TimeZone"));
    }
}
END_TEST

START_TEST(each_strategy_reserves_its_own)
{
    ck_assert(reserves(STRATEGY_RLS, "App.Tenant"));
    ck_assert(reserves(STRATEGY_RLS, "app.tenant_SEAL"));
    ck_assert(!reserves(STRATEGY_RLS, "app.tenant_seals"));
    ck_assert(!reserves(STRATEGY_RLS, "app.tenan"));
    ck_assert(!reserves(STRATEGY_RLS, "search_path"));
    ck_assert(reserves(STRATEGY_SCHEMA, "SEARCH_path"));
    ck_assert(!reserves(STRATEGY_SCHEMA, "app.tenant"));
    ck_assert(!reserves(STRATEGY_DATABASE, "search_path"));
    ck_assert(!reserves(STRATEGY_NONE, "search_path"));
}
END_TEST

START_TEST(strategies_are_named_as_they_are_configured)
{
    ck_assert_str_eq(strategy_of(STRATEGY_RLS)->name, "rls");
    ck_assert_str_eq(strategy_of(STRATEGY_SCHEMA)->name, "schema");
    ck_assert_str_eq(strategy_of(STRATEGY_DATABASE)->name, "database");
    ck_assert_str_eq(strategy_of(STRATEGY_NONE)->name, "none");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("strategy");
    TCase *cases = tcase_create("strategy");

    tcase_add_test(cases, rls_shares_database_and_role_and_sets_the_tenant);
    tcase_add_test(cases, rls_may_be_sealed);
    tcase_add_test(cases, schema_sets_the_search_path);
    tcase_add_test(cases, the_search_path_may_name_the_role);
    tcase_add_test(cases, database_is_dedicated_whoever_logs_in);
    tcase_add_test(cases, none_shares_everything);
    tcase_add_test(cases, the_tenants_role_makes_any_pool_dedicated);
    tcase_add_test(cases, a_fixed_login_brings_its_own_secret);
    tcase_add_test(cases, without_a_database_the_client_chooses);
    tcase_add_test(cases, the_tenants_settings_are_fixed_too);
    tcase_add_test(cases, the_tenants_settings_cannot_replace_the_strategys);
    tcase_add_test(cases, more_settings_than_a_context_holds_are_refused);
    tcase_add_test(cases, names_that_would_be_cut_are_refused);
    tcase_add_test(cases, every_strategy_reserves_who_one_is);
    tcase_add_test(cases, each_strategy_reserves_its_own);
    tcase_add_test(cases, strategies_are_named_as_they_are_configured);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
