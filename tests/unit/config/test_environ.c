// SPDX-License-Identifier: MIT
//
// environ: what variables lay over a file, and what is said of those that cannot be laid.
#include "config/environ.h"

#include "base/err.h"
#include "config/load.h"
#include "testing.h"

#define FILE_TEXT                                                                                  \
    "servers: {main: {host: [a, b], port: 5433}}\n"                                                \
    "users: {app: {password: {env: X}, tenants: [acme]}}\n"                                        \
    "tenants: {defaults: {pool: {size: 7}}, acme: {}}\n"

/* Variables end with NULL. */
static const struct config *parse(const char *text, const char *const *variables)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;

    int rc = config_parse_environ("t.yaml", slice_str(text), (char *const *)(uintptr_t)variables,
                                  &config, &faults);
    ck_assert_msg(rc == 0, "%s", faults.count > 0 ? faults.items[0].text : "");
    config_faults_fini(&faults);
    return config;
}

#define PARSE(text, ...) parse(text, (const char *const[]){__VA_ARGS__, NULL})

static void expect_faults(const char *variable, const char *more, const char *printed)
{
    const char *const variables[] = {variable, more, NULL};
    struct config_faults faults = {0};
    const struct config *config = NULL;
    struct buf out = {0};

    int rc = config_parse_environ("t.yaml", slice_str(FILE_TEXT),
                                  (char *const *)(uintptr_t)variables, &config, &faults);
    ck_assert_int_eq(rc, ERR_CONFIG);
    config_faults_print(&faults, &out);
    ck_assert_slice_str(buf_slice(&out), printed);
    buf_release(&out);
    config_faults_fini(&faults);
}

START_TEST(a_variable_goes_before_the_file)
{
    const struct config *c = PARSE(FILE_TEXT, "FAHREND_SERVERS__MAIN__HOST=db.example",
                                   "FAHREND_TENANTS__DEFAULTS__POOL__SIZE=3", "FAHREND_WORKERS=2");

    ck_assert_uint_eq(c->servers[0].host.count, 1);
    ck_assert_str_eq(c->servers[0].host.items[0], "db.example");
    ck_assert_int_eq(c->servers[0].port, 5433);
    ck_assert_int_eq(c->defaults.pool.size, 3);
    ck_assert_int_eq(c->workers, 2);
    ck_assert_uint_eq(c->tenant_count, 1);
    config_unref(c);
}
END_TEST

START_TEST(variables_alone_are_a_configuration)
{
    const struct config *c =
        PARSE("", "FAHREND_SERVERS__MAIN__HOST=[one, two]",
              "FAHREND_USERS__APP__PASSWORD=#not: 'yaml'", "FAHREND_USERS__APP__TENANTS=[\"*\"]",
              "FAHREND_LISTEN__UNIX_DIR=", "FAHREND_TENANTS={acme-1: {strategy: schema}}",
              "FAHREND_TENANTS__GLOBEX__STRATEGY=rls");

    ck_assert_str_eq(c->servers[0].host.items[1], "two");
    ck_assert_str_eq(c->users[0].password.value, "#not: 'yaml'");
    ck_assert_str_eq(c->listen.unix_dir, "");
    ck_assert_uint_eq(c->tenant_count, 2);
    ck_assert_int_eq(config_tenant(c, slice_str("acme-1"))->config->strategy, STRATEGY_SCHEMA);
    ck_assert_ptr_nonnull(config_tenant(c, slice_str("globex")));
    config_unref(c);
}
END_TEST

START_TEST(a_value_takes_the_place_of_the_files)
{
    const struct config *c = PARSE(FILE_TEXT, "FAHREND_USERS__APP__PASSWORD={file: /run/secret}",
                                   "FAHREND_TENANTS={globex: {}}");

    ck_assert_int_eq(c->users[0].password.kind, SECRET_FILE);
    ck_assert_uint_eq(c->tenant_count, 1);
    ck_assert_str_eq(c->tenants[0].name, "globex");
    config_unref(c);
}
END_TEST

START_TEST(a_part_with_small_letters_is_taken_as_it_is)
{
    const struct config *c =
        PARSE(FILE_TEXT, "FAHREND_TENANTS__Acme__STRATEGY=schema", "FAHREND_tenants__b__POOL={}");

    ck_assert_ptr_nonnull(config_tenant(c, slice_str("Acme")));
    ck_assert_ptr_nonnull(config_tenant(c, slice_str("b")));
    config_unref(c);
}
END_TEST

START_TEST(what_is_not_ours_is_left_alone)
{
    const char *const neighbours[] = {"FAHREND_SERVICE_HOST=10.0.0.1", "FAHREND_PORT=tcp://x",
                                      "FAHREND=/usr/bin/fahrend", "XFAHREND_A__B=1", NULL};
    const char *const ours[] = {"PATH=/", "FAHREND_DRAIN_TIMEOUT=1s", NULL};

    const struct config *c = parse(FILE_TEXT, neighbours);

    ck_assert_int_eq(c->servers[0].port, 5433);
    ck_assert(!environ_has_keys((char *const *)(uintptr_t)neighbours));
    ck_assert(environ_has_keys((char *const *)(uintptr_t)ours));
    ck_assert(!environ_has_keys(NULL));
    config_unref(c);
}
END_TEST

START_TEST(a_fault_names_its_variable)
{
    expect_faults("FAHREND_SERVERS__MAIN__PROT=1", NULL,
                  "environment: FAHREND_SERVERS__MAIN__PROT: servers.main: unknown key \"prot\", "
                  "did you mean \"port\"?\n");
    expect_faults("FAHREND_SERVERS__MAIN__PORT=x", NULL,
                  "environment: FAHREND_SERVERS__MAIN__PORT: servers.main.port: \"x\" is not a "
                  "whole number\n");
    expect_faults("FAHREND_TENANTS={acme: [}", NULL,
                  "environment: FAHREND_TENANTS: not valid YAML: did not find expected node "
                  "content\n");
    expect_faults("FAHREND_TENANTS__=1", NULL,
                  "environment: FAHREND_TENANTS__: is not the name of a key\n");
    expect_faults("FAHREND_A__B__C__D__E__F__G__H__I=1", NULL,
                  "environment: FAHREND_A__B__C__D__E__F__G__H__I: is not the name of a key\n");
    expect_faults("FAHREND_WORKERS=1", "FAHREND_workers=1",
                  "environment: FAHREND_workers: FAHREND_WORKERS stands for the same key\n");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.environ");
    TCase *tc = tcase_create("environ");

    tcase_add_test(tc, a_variable_goes_before_the_file);
    tcase_add_test(tc, variables_alone_are_a_configuration);
    tcase_add_test(tc, a_value_takes_the_place_of_the_files);
    tcase_add_test(tc, a_part_with_small_letters_is_taken_as_it_is);
    tcase_add_test(tc, what_is_not_ours_is_left_alone);
    tcase_add_test(tc, a_fault_names_its_variable);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
