// SPDX-License-Identifier: MIT
#include "tenant/roster.h"

#include <stdio.h>

#include "config/load.h"
#include "testing.h"

#define TWO "servers: {main: {}}\ntenants: {acme: {strategy: schema}, globex: {}}\n"

static const struct config *load(const char *text)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;

    ck_assert_int_eq(config_parse("t.yaml", slice_str(text), &config, &faults), 0);
    config_faults_fini(&faults);
    return config;
}

static void take(struct roster *roster, const char *name, uint64_t change, const char *options)
{
    struct roster_record record = {
        .change = change, .made = true, .options = (char *)(uintptr_t)options};

    (void)snprintf(record.name, sizeof record.name, "%s", name);
    roster_take(roster, &record);
}

static void lose(struct roster *roster, const char *name, uint64_t change)
{
    struct roster_record record = {.change = change, .gone = true};

    (void)snprintf(record.name, sizeof record.name, "%s", name);
    roster_take(roster, &record);
}

/* The registry that a configuration and the roster come to. */
static const struct registry *build(struct roster *roster, const char *text)
{
    const struct config *config = load(text);
    struct registry_rows rows;
    struct err err = {0};

    roster_rows(roster, config, &rows);
    const struct registry *registry = registry_build(config, &rows, &err);
    ck_assert_msg(registry != NULL, "%s", err.text);
    config_unref(config);
    return registry;
}

START_TEST(records_become_tenants_with_their_options)
{
    struct roster roster = {0};
    take(&roster, "initech", 1, "{\"strategy\": \"database\"}");
    take(&roster, "hooli", 2, "{\"strategy\": \"database\"}");

    const struct registry *registry = build(&roster, TWO);
    const struct tenant *initech = registry_find(registry, slice_str("initech"));

    ck_assert_int_eq(initech->config->strategy, STRATEGY_DATABASE);
    ck_assert_ptr_eq(registry_find(registry, slice_str("hooli"))->config, initech->config);
    ck_assert_uint_eq(registry_count(registry), 4);
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(the_file_wins_and_the_record_has_the_state)
{
    struct roster roster = {0};
    struct roster_record record = {.name = "acme",
                                   .change = 1,
                                   .made = true,
                                   .state = TENANT_SUSPENDED,
                                   .options = (char *)(uintptr_t) "{\"strategy\": \"none\"}"};
    roster_take(&roster, &record);

    const struct registry *registry = build(&roster, TWO);
    const struct tenant *acme = registry_find(registry, slice_str("acme"));

    ck_assert_int_eq(acme->config->strategy, STRATEGY_SCHEMA);
    ck_assert_int_eq(acme->state, TENANT_SUSPENDED);
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(a_record_of_a_state_alone_makes_no_tenant)
{
    struct roster roster = {0};
    struct roster_record record = {
        .name = "initech", .change = 1, .options = (char *)(uintptr_t) "{}"};
    roster_take(&roster, &record);

    const struct registry *rejecting = build(&roster, TWO);
    const struct registry *letting = build(&roster, TWO "tenancy: {unknown: template}\n");

    ck_assert_ptr_null(registry_find(rejecting, slice_str("initech")));
    ck_assert_ptr_nonnull(registry_find(letting, slice_str("initech")));
    registry_unref(rejecting);
    registry_unref(letting);
    roster_fini(&roster);
}
END_TEST

START_TEST(older_records_are_passed_over)
{
    struct roster roster = {0};
    take(&roster, "a", 5, "{\"pool.size\": \"5\"}");
    buf_clear(&roster.changed);

    take(&roster, "a", 4, "{\"pool.size\": \"4\"}");
    lose(&roster, "a", 4);
    lose(&roster, "b", 9);

    ck_assert_uint_eq(buf_size(&roster.changed), 0);
    ck_assert_str_eq(roster_find(&roster, slice_str("a"))->options, "{\"pool.size\": \"5\"}");
    roster_fini(&roster);
}
END_TEST

START_TEST(what_is_gone_is_no_tenant_any_more)
{
    struct roster roster = {0};
    take(&roster, "a", 5, "{}");
    lose(&roster, "a", 6);

    const struct registry *registry = build(&roster, TWO);

    ck_assert_ptr_null(registry_find(registry, slice_str("a")));
    ck_assert_uint_eq(buf_size(&roster.changed), 4); /* twice, with its end */
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(all_records_replace_what_was)
{
    struct roster roster = {0};
    take(&roster, "a", 1, "{}");
    take(&roster, "b", 2, "{}");
    struct roster_record all[] = {
        {.name = "b", .change = 2, .made = true, .options = (char *)(uintptr_t) "{}"},
        {.name = "c", .change = 3, .made = true, .options = (char *)(uintptr_t) "{}"}};
    buf_clear(&roster.changed);

    roster_take_all(&roster, all, 2);

    ck_assert_ptr_null(roster_find(&roster, slice_str("a")));
    ck_assert_ptr_nonnull(roster_find(&roster, slice_str("c")));
    ck_assert_uint_eq(buf_size(&roster.changed), 4); /* c and a, with their ends */
    roster_fini(&roster);
}
END_TEST

START_TEST(records_at_fault_are_left_out)
{
    struct roster roster = {0};
    take(&roster, "a\"b", 1, "{}");
    take(&roster, "sound", 2, "{}");
    take(&roster, "faulty", 3, "{\"pool.sise\": \"1\"}");
    take(&roster, "nonsense", 4, "[");

    const struct registry *registry = build(&roster, TWO);

    ck_assert_uint_eq(registry_count(registry), 3);
    ck_assert_ptr_nonnull(registry_find(registry, slice_str("sound")));
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(another_configuration_reads_the_options_anew)
{
    struct roster roster = {0};
    take(&roster, "a", 1, "{\"pool.min_size\": \"2\"}");

    const struct registry *before = build(&roster, TWO);
    const struct registry *after =
        build(&roster, "servers: {main: {}}\ntenants: {defaults: {pool: {size: 3}}}\n");

    ck_assert_int_eq(registry_find(before, slice_str("a"))->config->pool.size, 20);
    ck_assert_int_eq(registry_find(after, slice_str("a"))->config->pool.size, 3);
    ck_assert_int_eq(registry_find(after, slice_str("a"))->config->pool.min_size, 2);
    registry_unref(before);
    registry_unref(after);
    roster_fini(&roster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tenant.roster");
    TCase *tc = tcase_create("roster");

    tcase_add_test(tc, records_become_tenants_with_their_options);
    tcase_add_test(tc, the_file_wins_and_the_record_has_the_state);
    tcase_add_test(tc, a_record_of_a_state_alone_makes_no_tenant);
    tcase_add_test(tc, older_records_are_passed_over);
    tcase_add_test(tc, what_is_gone_is_no_tenant_any_more);
    tcase_add_test(tc, all_records_replace_what_was);
    tcase_add_test(tc, records_at_fault_are_left_out);
    tcase_add_test(tc, another_configuration_reads_the_options_anew);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
