// SPDX-License-Identifier: MIT
#include "tenant/registry.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/load.h"
#include "testing.h"

static const struct config *load(const char *text)
{
    const struct config *config = NULL;
    struct config_faults faults = {0};

    int rc = config_parse("test.yaml", slice_str(text), &config, &faults);
    ck_assert_int_eq(rc, 0);
    config_faults_fini(&faults);
    return config;
}

/* A registry that alone holds its configuration. */
static const struct registry *build(const char *text, const struct registry_rows *rows)
{
    const struct config *config = load(text);
    struct err err = {0};
    const struct registry *registry = registry_build(config, rows, &err);

    ck_assert_msg(registry != NULL, "%s", err.text);
    config_unref(config);
    return registry;
}

#define SERVERS "servers: {main: {}}\n"
#define TWO     SERVERS "tenants: {acme: {strategy: schema}, globex: {}}\n"

static void count_release(void *owner)
{
    (*(int *)owner)++;
}

START_TEST(tenants_of_the_configuration_are_found_by_exact_name)
{
    const struct registry *registry = build(TWO, NULL);

    const struct tenant *acme = registry_find(registry, slice_str("acme"));

    ck_assert_uint_eq(registry_count(registry), 2);
    ck_assert_ptr_eq(registry_at(registry, 0), acme);
    ck_assert_str_eq(acme->name, "acme");
    ck_assert_int_eq(acme->config->strategy, STRATEGY_SCHEMA);
    ck_assert_int_eq(acme->state, TENANT_ACTIVE);
    ck_assert_ptr_null(registry_find(registry, slice_str("Acme")));
    ck_assert_ptr_null(registry_find(registry, slice_str("acm")));
    ck_assert_ptr_null(registry_find(registry, SLICE_EMPTY));
    registry_unref(registry);
}
END_TEST

START_TEST(a_row_adds_a_tenant_of_the_defaults)
{
    struct registry_row items[] = {{"initech", NULL, TENANT_PAUSED, 0}};
    const struct registry *registry = build(TWO, &(struct registry_rows){items, 1, NULL, NULL});

    const struct tenant *initech = registry_find(registry, slice_str("initech"));

    ck_assert_uint_eq(registry_count(registry), 3);
    ck_assert_ptr_eq(registry_at(registry, 2), initech);
    ck_assert_ptr_eq(initech->config, &registry_config(registry)->defaults);
    ck_assert_int_eq(initech->state, TENANT_PAUSED);
    registry_unref(registry);
}
END_TEST

START_TEST(a_row_changes_the_state_of_a_configured_tenant)
{
    struct registry_row items[] = {{"acme", NULL, TENANT_SUSPENDED, 0}};
    const struct registry *registry = build(TWO, &(struct registry_rows){items, 1, NULL, NULL});

    const struct tenant *acme = registry_find(registry, slice_str("acme"));

    ck_assert_uint_eq(registry_count(registry), 2);
    ck_assert_int_eq(acme->state, TENANT_SUSPENDED);
    ck_assert_int_eq(acme->config->strategy, STRATEGY_SCHEMA);
    registry_unref(registry);
}
END_TEST

START_TEST(a_row_may_bring_its_own_config)
{
    const struct config *config = load(TWO);
    struct err err;
    const struct overlay *own =
        overlay_build(config, slice_str("{\"strategy\": \"database\"}"), &err);
    struct registry_row items[] = {{"acme", own, TENANT_ACTIVE, 0},
                                   {"initech", own, TENANT_ACTIVE, 0}};
    const struct registry *registry = build(TWO, &(struct registry_rows){items, 2, NULL, NULL});

    ck_assert_ptr_eq(registry_find(registry, slice_str("acme"))->config, overlay_tenant(own));
    ck_assert_ptr_eq(registry_find(registry, slice_str("initech"))->overlay, own);
    registry_unref(registry);
    overlay_unref(own);
    config_unref(config);
}
END_TEST

START_TEST(of_rows_with_one_name_the_last_counts)
{
    struct registry_row items[] = {{"x", NULL, TENANT_CREATING, 0}, {"x", NULL, TENANT_ACTIVE, 0}};
    const struct registry *registry = build(TWO, &(struct registry_rows){items, 2, NULL, NULL});

    ck_assert_uint_eq(registry_count(registry), 3);
    ck_assert_int_eq(registry_find(registry, slice_str("x"))->state, TENANT_ACTIVE);
    registry_unref(registry);
}
END_TEST

START_TEST(a_row_with_an_invalid_name_is_refused)
{
    struct registry_row items[] = {{"good", NULL, TENANT_ACTIVE, 0},
                                   {"a\"b", NULL, TENANT_ACTIVE, 0}};
    int released = 0;
    struct registry_rows rows = {items, 2, &released, count_release};
    const struct config *config = load(TWO);
    struct err err = {0};

    ck_assert_ptr_null(registry_build(config, &rows, &err));

    ck_assert_int_eq(err.code, ERR_INVALID_VALUE);
    ck_assert_str_eq(err.text, "row 2 of the registry: invalid tenant name");
    ck_assert_int_eq(released, 1);
    config_unref(config);
}
END_TEST

START_TEST(the_last_unref_releases_the_rows)
{
    struct registry_row items[] = {{"x", NULL, TENANT_ACTIVE, 0}};
    int released = 0;
    struct registry_rows rows = {items, 1, &released, count_release};
    const struct registry *registry = build(TWO, &rows);

    registry_unref(registry_ref(registry));
    ck_assert_int_eq(released, 0);
    registry_unref(registry);
    registry_unref(NULL);

    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(an_unknown_tenant_is_made_of_the_template_where_asked)
{
    const struct registry *registry = build(TWO "tenancy: {unknown: template}\n", NULL);
    struct tenant_from_template storage;

    const struct tenant *made =
        registry_find_or_template(registry, slice_of("initech-and-more", 7), &storage);

    ck_assert_ptr_eq(made, &storage.tenant);
    ck_assert_str_eq(made->name, "initech");
    ck_assert_ptr_eq(made->config, &registry_config(registry)->defaults);
    ck_assert_int_eq(made->state, TENANT_ACTIVE);
    ck_assert_ptr_eq(registry_find_or_template(registry, slice_str("acme"), &storage),
                     registry_find(registry, slice_str("acme")));
    ck_assert_ptr_null(registry_find_or_template(registry, slice_str("a b"), &storage));
    registry_unref(registry);
}
END_TEST

START_TEST(an_unknown_tenant_is_rejected_by_default)
{
    const struct registry *registry = build(TWO, NULL);
    struct tenant_from_template storage;

    ck_assert_ptr_null(registry_find_or_template(registry, slice_str("initech"), &storage));
    registry_unref(registry);
}
END_TEST

enum { MANY = 100000, NAME_BYTES = 16 };

struct many {
    struct registry_row items[MANY];
    char names[MANY][NAME_BYTES];
};

static struct registry_rows make_many(void)
{
    struct many *many = x_alloc(sizeof *many);

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(many->names[i], NAME_BYTES, "tenant%d", i);
        many->items[i] = (struct registry_row){many->names[i], NULL, TENANT_ACTIVE, 0};
    }
    return (struct registry_rows){many->items, MANY, many, free};
}

START_TEST(a_hundred_thousand_tenants_are_cheap_and_found)
{
    struct registry_rows rows = make_many();
    const struct registry *registry = build(TWO, &rows);

    ck_assert_uint_eq(registry_count(registry), MANY + 2);
    ck_assert_uint_lt((registry_bytes(registry) + sizeof(struct many)) / MANY, 150);
    for (size_t i = 0; i < MANY; i++) {
        const struct tenant *tenant = registry_at(registry, i + 2);
        ck_assert_ptr_eq(registry_find(registry, slice_str(tenant->name)), tenant);
    }
    ck_assert_ptr_null(registry_find(registry, slice_str("tenant100000")));
    registry_unref(registry);
}
END_TEST

static int admit(enum tenant_state state)
{
    struct tenant tenant = {.name = "acme", .state = state};

    return tenant_admit(&tenant, NULL);
}

START_TEST(a_tenants_state_decides_who_may_log_in)
{
    struct tenant suspended = {.name = "acme", .state = TENANT_SUSPENDED};
    struct err err = {0};

    ck_assert_int_eq(admit(TENANT_ACTIVE), 0);
    ck_assert_int_eq(admit(TENANT_PAUSED), 0);
    ck_assert_int_eq(admit(TENANT_CREATING), ERR_SUSPENDED);
    ck_assert_int_eq(admit(TENANT_DROPPING), ERR_UNKNOWN_TENANT);
    ck_assert_int_eq(tenant_admit(&suspended, &err), ERR_SUSPENDED);
    ck_assert_str_eq(err.text, "tenant \"acme\" is suspended");
}
END_TEST

START_TEST(states_are_spelled_both_ways)
{
    enum tenant_state state;

    for (int i = 0; i < TENANT_STATES; i++) {
        ck_assert(tenant_state_parse(slice_str(tenant_state_name((enum tenant_state)i)), &state));
        ck_assert_int_eq((int)state, i);
    }
    ck_assert_str_eq(tenant_state_name(TENANT_DROPPING), "dropping");
    ck_assert(!tenant_state_parse(slice_str("Active"), &state));
    ck_assert(!tenant_state_parse(SLICE_EMPTY, &state));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("registry");
    TCase *cases = tcase_create("registry");

    tcase_add_test(cases, tenants_of_the_configuration_are_found_by_exact_name);
    tcase_add_test(cases, a_row_adds_a_tenant_of_the_defaults);
    tcase_add_test(cases, a_row_changes_the_state_of_a_configured_tenant);
    tcase_add_test(cases, a_row_may_bring_its_own_config);
    tcase_add_test(cases, of_rows_with_one_name_the_last_counts);
    tcase_add_test(cases, a_row_with_an_invalid_name_is_refused);
    tcase_add_test(cases, the_last_unref_releases_the_rows);
    tcase_add_test(cases, an_unknown_tenant_is_made_of_the_template_where_asked);
    tcase_add_test(cases, an_unknown_tenant_is_rejected_by_default);
    tcase_add_test(cases, a_hundred_thousand_tenants_are_cheap_and_found);
    tcase_add_test(cases, a_tenants_state_decides_who_may_log_in);
    tcase_add_test(cases, states_are_spelled_both_ways);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
