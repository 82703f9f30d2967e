// SPDX-License-Identifier: MIT
//
// overlay: options of a tenant that was made at run time, read by the table that reads the file.
#include "config/overlay.h"

#include "config/load.h"
#include "testing.h"

static const struct config *load(void)
{
    static const char text[] =
        "servers: {main: {}, other: {}}\n"
        "tenants: {defaults: {pool: {size: 7}, settings: {work_mem: 4MB}, database: app}}\n";
    struct config_faults faults = {0};
    const struct config *config = NULL;

    ck_assert_int_eq(config_parse("t.yaml", slice_str(text), &config, &faults), 0);
    config_faults_fini(&faults);
    return config;
}

/* What is laid over the defaults, and with which fault it ends, if any. */
static const struct overlay *build(const char *options, struct err *err)
{
    const struct config *config = load();
    const struct overlay *overlay = overlay_build(config, slice_str(options), err);

    config_unref(config);
    return overlay;
}

static void expect_fault(const char *options, const char *text)
{
    struct err err = {0};

    ck_assert_ptr_null(build(options, &err));
    ck_assert_int_eq(err.code, ERR_INVALID_VALUE);
    ck_assert_str_eq(err.text, text);
}

START_TEST(keys_are_laid_over_the_defaults)
{
    struct err err = {0};
    const struct overlay *overlay =
        build("{\"strategy\": \"schema\", \"pool.idle_timeout\": \"5s\", \"server\": \"other\","
              " \"rls.tables\": \"a, b\", \"login\": \"tenant\"}",
              &err);
    const struct tenant_config *t = overlay_tenant(overlay);

    ck_assert_int_eq(t->strategy, STRATEGY_SCHEMA);
    ck_assert_int_eq(t->pool.idle_timeout, 5000);
    ck_assert_int_eq(t->pool.size, 7);
    ck_assert_str_eq(t->server, "other");
    ck_assert_str_eq(t->database, "app");
    ck_assert_uint_eq(t->rls.tables.count, 2);
    ck_assert_str_eq(t->rls.tables.items[1], "b");
    ck_assert_int_eq(t->login.kind, LOGIN_TENANT);
    overlay_unref(overlay);
}
END_TEST

START_TEST(settings_are_given_one_by_one)
{
    struct err err = {0};
    const struct overlay *overlay =
        build("{\"settings.statement_timeout\": \"3s\", \"settings.work_mem\": \"8MB\"}", &err);
    const struct settings *settings = &overlay_tenant(overlay)->settings;

    ck_assert_uint_eq(settings->count, 2);
    ck_assert_str_eq(settings->items[0].value, "8MB");
    ck_assert_str_eq(settings->items[1].name, "statement_timeout");
    overlay_unref(overlay);
}
END_TEST

START_TEST(an_empty_list_is_the_defaults)
{
    struct err err = {0};
    const struct overlay *overlay = build("{}", &err);

    ck_assert_int_eq(overlay_tenant(overlay)->pool.size, 7);
    overlay_unref(overlay_ref(overlay));
    overlay_unref(overlay);
    overlay_unref(NULL);
}
END_TEST

START_TEST(an_unknown_key_is_told_with_the_one_that_was_meant)
{
    expect_fault("{\"pool.sise\": \"5\"}",
                 "unknown key \"pool.sise\", did you mean \"pool.size\"?");
    expect_fault("{\"weight\": \"5\"}", "unknown key \"weight\", did you mean \"limits.weight\"?");
    expect_fault("{\"pool\": \"5\"}", "unknown key \"pool\"");
    expect_fault("{\"\": \"5\"}", "unknown key \"\"");
}
END_TEST

START_TEST(values_have_the_bounds_of_the_file)
{
    expect_fault("{\"pool.size\": \"-1\"}", "pool.size: -1 is not between 0 and 1000000");
    expect_fault("{\"strategy\": \"row\"}",
                 "strategy: \"row\" is none of rls, schema, database, none");
    expect_fault("{\"server\": \"mian\"}",
                 "server: no server is named \"mian\", did you mean \"main\"?");
    expect_fault("{\"pool.min_size\": \"9\"}", "pool.min_size: 9 is more than pool.size, 7");
    expect_fault("{\"settings.role\": \"x\"}", "settings: \"role\" cannot be set for a tenant");
    expect_fault("{\"settings.\": \"x\"}", "settings: \"\" cannot be a setting's name");
    expect_fault("{\"role\": \"{x}\"}", "role: {x} is no placeholder here, only {tenant}");
}
END_TEST

START_TEST(what_belongs_into_the_file_is_refused)
{
    expect_fault("{\"rls.key\": \"k\"}",
                 "rls.key: a secret stands in the configuration file, not here");
    expect_fault("{\"schema.template\": \"a.sql\"}", "schema.template: must be an absolute path");
    expect_fault("{\"settings\": \"x\"}",
                 "settings: is given one by one, as settings.work_mem = '8MB'");
    expect_fault("{\"login\": {\"user\": \"x\"}}", "login: must be a text");
    expect_fault("[]", "the options of a tenant must be a JSON object");
}
END_TEST

START_TEST(keys_are_looked_at_without_their_values)
{
    struct err err = {0};

    ck_assert_int_eq(overlay_check_keys(slice_str("{\"pool.size\": \"hunter2\","
                                                  " \"settings.work_mem\": \"x\"}"),
                                        &err),
                     0);
    ck_assert_int_eq(overlay_check_keys(slice_str("{\"rls.key\": \"hunter2\"}"), &err),
                     ERR_INVALID_VALUE);
    ck_assert_str_eq(err.text, "rls.key: a secret stands in the configuration file, not here");
    ck_assert_int_eq(overlay_check_keys(slice_str("{\"password\": \"hunter2\"}"), &err),
                     ERR_INVALID_VALUE);
    ck_assert_str_eq(err.text, "unknown key \"password\"");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.overlay");
    TCase *tc = tcase_create("overlay");

    tcase_add_test(tc, keys_are_laid_over_the_defaults);
    tcase_add_test(tc, settings_are_given_one_by_one);
    tcase_add_test(tc, an_empty_list_is_the_defaults);
    tcase_add_test(tc, an_unknown_key_is_told_with_the_one_that_was_meant);
    tcase_add_test(tc, values_have_the_bounds_of_the_file);
    tcase_add_test(tc, what_belongs_into_the_file_is_refused);
    tcase_add_test(tc, keys_are_looked_at_without_their_values);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
