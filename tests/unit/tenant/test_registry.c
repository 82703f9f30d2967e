// SPDX-License-Identifier: MIT
#include "tenant/registry.h"

#include "base/buf.h"
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
static const struct registry *build(const char *text)
{
    const struct config *config = load(text);
    const struct registry *registry = registry_build(config, NULL);

    config_unref(config);
    return registry;
}

#define SERVERS "servers: {main: {}}\n"
#define TWO     SERVERS "tenants: {acme: {strategy: schema}, globex: {}}\n"

static void collect(void *data, const struct tenant *tenant)
{
    buf_printf(data, "%s ", tenant->name);
}

START_TEST(tenants_of_the_configuration_are_found_by_exact_name)
{
    const struct registry *registry = build(TWO);
    struct tenant acme;
    struct tenant none;

    ck_assert_ptr_eq(registry_find(registry, slice_str("acme"), &acme), &acme);

    ck_assert_uint_eq(registry_count(registry), 2);
    ck_assert_str_eq(acme.name, "acme");
    ck_assert_int_eq(acme.config->strategy, STRATEGY_SCHEMA);
    ck_assert_int_eq(acme.state, TENANT_ACTIVE);
    ck_assert_ptr_null(registry_find(registry, slice_str("Acme"), &none));
    ck_assert_ptr_null(registry_find(registry, slice_str("acm"), &none));
    ck_assert_ptr_null(registry_find(registry, SLICE_EMPTY, &none));
    registry_unref(registry);
}
END_TEST

START_TEST(the_configurations_tenants_come_in_their_order)
{
    const struct registry *registry = build(TWO);
    struct buf names = {0};

    registry_each(registry, collect, &names);

    ck_assert(slice_eq_str(buf_slice(&names), "acme globex "));
    buf_release(&names);
    registry_unref(registry);
}
END_TEST

START_TEST(an_unknown_tenant_is_made_of_the_template_where_asked)
{
    const struct registry *registry = build(TWO "tenancy: {unknown: template}\n");
    struct tenant_from_template storage;

    const struct tenant *made =
        registry_find_or_template(registry, slice_of("initech-and-more", 7), &storage);

    ck_assert_ptr_eq(made, &storage.tenant);
    ck_assert_str_eq(made->name, "initech");
    ck_assert_ptr_eq(made->config, &registry_config(registry)->defaults);
    ck_assert_int_eq(made->state, TENANT_ACTIVE);
    const struct tenant *acme = registry_find_or_template(registry, slice_str("acme"), &storage);
    ck_assert_int_eq(acme->config->strategy, STRATEGY_SCHEMA);
    ck_assert_ptr_null(registry_find_or_template(registry, slice_str("a b"), &storage));
    registry_unref(registry);
}
END_TEST

START_TEST(an_unknown_tenant_is_rejected_by_default)
{
    const struct registry *registry = build(TWO);
    struct tenant_from_template storage;

    ck_assert_ptr_null(registry_find_or_template(registry, slice_str("initech"), &storage));
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
    tcase_add_test(cases, the_configurations_tenants_come_in_their_order);
    tcase_add_test(cases, an_unknown_tenant_is_made_of_the_template_where_asked);
    tcase_add_test(cases, an_unknown_tenant_is_rejected_by_default);
    tcase_add_test(cases, a_tenants_state_decides_who_may_log_in);
    tcase_add_test(cases, states_are_spelled_both_ways);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
