// SPDX-License-Identifier: MIT
#include "tenant/roster.h"

#include <stdio.h>
#include <time.h>

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

/* Two of them may be held at once: each has a storage of its own. */
static const struct tenant *find(const struct registry *registry, const char *name)
{
    static struct tenant found[4];
    static unsigned next;

    return registry_find(registry, slice_str(name), &found[next++ % 4]);
}

static const char *options_of(const struct roster *roster, const char *name)
{
    struct roll_row row;

    return roll_find(&roster->roll, slice_str(name), &row) ? row.form->options : NULL;
}

/* The registry that a configuration and the roster come to. */
static const struct registry *build(struct roster *roster, const char *text)
{
    const struct config *config = load(text);
    const struct registry *registry = roster_registry(roster, config);

    config_unref(config);
    return registry;
}

START_TEST(records_become_tenants_with_their_options)
{
    struct roster roster;
    roster_init(&roster);
    take(&roster, "initech", 1, "{\"strategy\": \"database\"}");
    take(&roster, "hooli", 2, "{\"strategy\": \"database\"}");

    const struct registry *registry = build(&roster, TWO);
    const struct tenant *initech = find(registry, "initech");

    ck_assert_int_eq(initech->config->strategy, STRATEGY_DATABASE);
    ck_assert_ptr_eq(find(registry, "hooli")->config, initech->config);
    ck_assert_uint_eq(registry_count(registry), 4);
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(the_file_wins_and_the_record_has_the_state)
{
    struct roster roster;
    roster_init(&roster);
    struct roster_record record = {.name = "acme",
                                   .change = 1,
                                   .made = true,
                                   .state = TENANT_SUSPENDED,
                                   .options = (char *)(uintptr_t) "{\"strategy\": \"none\"}"};
    roster_take(&roster, &record);

    const struct registry *registry = build(&roster, TWO);
    const struct tenant *acme = find(registry, "acme");

    ck_assert_int_eq(acme->config->strategy, STRATEGY_SCHEMA);
    ck_assert_int_eq(acme->state, TENANT_SUSPENDED);
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(a_record_of_a_state_alone_makes_no_tenant)
{
    struct roster roster;
    roster_init(&roster);
    struct roster_record record = {
        .name = "initech", .change = 1, .options = (char *)(uintptr_t) "{}"};
    roster_take(&roster, &record);

    const struct registry *rejecting = build(&roster, TWO);
    const struct registry *letting = build(&roster, TWO "tenancy: {unknown: template}\n");

    ck_assert_ptr_null(find(rejecting, "initech"));
    ck_assert_ptr_nonnull(find(letting, "initech"));
    registry_unref(rejecting);
    registry_unref(letting);
    roster_fini(&roster);
}
END_TEST

START_TEST(older_records_are_passed_over)
{
    struct roster roster;
    roster_init(&roster);
    take(&roster, "a", 5, "{\"pool.size\": \"5\"}");
    buf_clear(&roster.changed);

    take(&roster, "a", 4, "{\"pool.size\": \"4\"}");
    lose(&roster, "a", 4);
    lose(&roster, "b", 9);

    ck_assert_uint_eq(buf_size(&roster.changed), 0);
    ck_assert_str_eq(options_of(&roster, "a"), "{\"pool.size\": \"5\"}");
    roster_fini(&roster);
}
END_TEST

START_TEST(what_is_gone_is_no_tenant_any_more)
{
    struct roster roster;
    roster_init(&roster);
    take(&roster, "a", 5, "{}");
    lose(&roster, "a", 6);

    const struct registry *registry = build(&roster, TWO);

    ck_assert_ptr_null(find(registry, "a"));
    ck_assert_uint_eq(buf_size(&roster.changed), 4); /* twice, with its end */
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(all_records_replace_what_was)
{
    struct roster roster;
    roster_init(&roster);
    take(&roster, "a", 1, "{}");
    take(&roster, "b", 2, "{}");
    struct roster_record all[] = {
        {.name = "b", .change = 2, .made = true, .options = (char *)(uintptr_t) "{}"},
        {.name = "c", .change = 3, .made = true, .options = (char *)(uintptr_t) "{}"}};
    buf_clear(&roster.changed);

    roster_take_all(&roster, all, 2);

    ck_assert_ptr_null(options_of(&roster, "a"));
    ck_assert_ptr_nonnull(options_of(&roster, "c"));
    ck_assert_uint_eq(buf_size(&roster.changed), 4); /* c and a, with their ends */
    roster_fini(&roster);
}
END_TEST

START_TEST(records_at_fault_are_left_out)
{
    struct roster roster;
    roster_init(&roster);
    take(&roster, "a\"b", 1, "{}");
    take(&roster, "sound", 2, "{}");
    take(&roster, "faulty", 3, "{\"pool.sise\": \"1\"}");
    take(&roster, "nonsense", 4, "[");

    const struct registry *registry = build(&roster, TWO);

    ck_assert_uint_eq(registry_count(registry), 3);
    ck_assert_ptr_nonnull(find(registry, "sound"));
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

START_TEST(another_configuration_reads_the_options_anew)
{
    struct roster roster;
    roster_init(&roster);
    take(&roster, "a", 1, "{\"pool.min_size\": \"2\"}");

    const struct registry *before = build(&roster, TWO);
    const struct registry *after =
        build(&roster, "servers: {main: {}}\ntenants: {defaults: {pool: {size: 3}}}\n");

    ck_assert_int_eq(find(before, "a")->config->pool.size, 20);
    ck_assert_int_eq(find(after, "a")->config->pool.size, 3);
    ck_assert_int_eq(find(after, "a")->config->pool.min_size, 2);
    registry_unref(before);
    registry_unref(after);
    roster_fini(&roster);
}
END_TEST

/* ---- many ---- */

enum { MANY = 20000 };

static void take_many(struct roster *roster, int count)
{
    char name[NAME_SIZE];

    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "tenant%d", i);
        take(roster, name, (uint64_t)i + 1, "{\"strategy\": \"schema\"}");
    }
    buf_clear(&roster->changed);
}

START_TEST(many_tenants_are_small_and_found)
{
    struct roster roster;
    struct tenant found;
    roster_init(&roster);
    take_many(&roster, MANY);

    const struct registry *registry = build(&roster, TWO);

    ck_assert_uint_eq(registry_count(registry), MANY + 2);
    ck_assert_uint_lt(registry_bytes(registry) / MANY, 60);
    for (int i = 0; i < MANY; i++) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "tenant%d", i);
        ck_assert_ptr_nonnull(registry_find(registry, slice_str(name), &found));
        ck_assert_str_eq(found.name, name);
    }
    ck_assert_ptr_null(registry_find(registry, slice_str("tenant20000"), &found));
    registry_unref(registry);
    roster_fini(&roster);
}
END_TEST

/* The registry before and the one after share all but a path. */
START_TEST(a_change_beside_many_copies_little)
{
    struct roster roster;
    roster_init(&roster);
    take_many(&roster, MANY);
    const struct config *config = load(TWO);
    const struct registry *before = roster_registry(&roster, config);
    struct timespec start;
    struct timespec end;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (int i = 0; i < 1000; i++) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "late%d", i);
        take(&roster, name, (uint64_t)(MANY + i + 1), "{}");
        registry_unref(roster_registry(&roster, config));
    }
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);

    ck_assert_uint_eq(registry_count(before), MANY + 2);
    ck_assert_int_lt((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000,
                     1000); /* ms; to build all anew takes many times as long */
    registry_unref(before);
    config_unref(config);
    roster_fini(&roster);
}
END_TEST

START_TEST(a_registry_is_not_changed_by_what_comes_later)
{
    struct roster roster;
    roster_init(&roster);
    take_many(&roster, 500);
    const struct registry *before = build(&roster, TWO);

    for (int i = 0; i < 500; i++) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "tenant%d", i);
        lose(&roster, name, UINT64_MAX);
    }
    take(&roster, "late", 1000, "{}");

    ck_assert_uint_eq(registry_count(before), 502);
    ck_assert_ptr_nonnull(find(before, "tenant0"));
    ck_assert_ptr_nonnull(find(before, "tenant499"));
    ck_assert_ptr_null(find(before, "late"));
    ck_assert_uint_eq(roster.roll.count, 1);
    registry_unref(before);
    roster_fini(&roster);
}
END_TEST

START_TEST(sums_and_sizes_follow_every_change)
{
    struct roster roster;
    roster_init(&roster);
    take_many(&roster, 200);
    size_t bytes = roster.roll.bytes;

    ck_assert_uint_eq(roster.roll.count, 200);
    ck_assert_uint_eq(roster.roll.sum, 200 * 201 / 2);
    take(&roster, "tenant7", 1000, "{}");
    ck_assert_uint_eq(roster.roll.sum, 200 * 201 / 2 - 8 + 1000);
    ck_assert_uint_eq(roster.roll.bytes, bytes);
    for (int i = 0; i < 200; i++) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "tenant%d", i);
        lose(&roster, name, UINT64_MAX);
    }
    ck_assert_uint_eq(roster.roll.count, 0);
    ck_assert_uint_eq(roster.roll.sum, 0);
    ck_assert_uint_eq(roster.roll.bytes, 0);
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
    tcase_add_test(tc, many_tenants_are_small_and_found);
    tcase_add_test(tc, a_change_beside_many_copies_little);
    tcase_add_test(tc, a_registry_is_not_changed_by_what_comes_later);
    tcase_add_test(tc, sums_and_sizes_follow_every_change);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
