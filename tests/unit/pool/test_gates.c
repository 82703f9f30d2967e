// SPDX-License-Identifier: MIT
#include "pool/gates.h"

#include "testing.h"

static struct gates gates;

static void tear_down(void)
{
    gates_fini(&gates);
}

static uint32_t get(enum gate_kind kind, const char *name)
{
    return gates_get(&gates, kind, slice_str(name));
}

START_TEST(nothing_is_shut_at_first)
{
    ck_assert_uint_eq(get(GATE_DATABASE, "app"), 0);
    gates_remove(&gates, GATE_DATABASE, slice_str("app"), GATE_PAUSED);
    ck_assert_uint_eq(get(GATE_DATABASE, "app"), 0);
}
END_TEST

START_TEST(flags_add_up_and_go_one_by_one)
{
    gates_add(&gates, GATE_DATABASE, slice_str("app"), GATE_PAUSED);
    gates_add(&gates, GATE_DATABASE, slice_str("app"), GATE_DISABLED);
    ck_assert_uint_eq(get(GATE_DATABASE, "app"), GATE_PAUSED | GATE_DISABLED);

    gates_remove(&gates, GATE_DATABASE, slice_str("app"), GATE_PAUSED);
    ck_assert_uint_eq(get(GATE_DATABASE, "app"), GATE_DISABLED);
}
END_TEST

START_TEST(a_database_and_a_tenant_of_one_name_are_two)
{
    gates_add(&gates, GATE_TENANT, slice_str("acme"), GATE_SUSPENDED);

    ck_assert_uint_eq(get(GATE_DATABASE, "acme"), 0);
    ck_assert_uint_eq(get(GATE_TENANT, "acme"), GATE_SUSPENDED);
    ck_assert_uint_eq(get(GATE_TENANT, "acm"), 0);
}
END_TEST

static void count(void *data, const char *name, uint32_t flags)
{
    ck_assert_str_eq(name, "acme");
    *(uint32_t *)data += flags;
}

START_TEST(what_is_open_has_no_entry)
{
    uint32_t flags = 0;

    gates_add(&gates, GATE_TENANT, slice_str("acme"), GATE_PAUSED);
    gates_add(&gates, GATE_TENANT, slice_str("globex"), GATE_PAUSED);
    gates_remove(&gates, GATE_TENANT, slice_str("globex"), GATE_PAUSED);
    gates_each(&gates, GATE_TENANT, count, &flags);

    ck_assert_uint_eq(flags, GATE_PAUSED);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("gates");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, nothing_is_shut_at_first);
    tcase_add_test(tc, flags_add_up_and_go_one_by_one);
    tcase_add_test(tc, a_database_and_a_tenant_of_one_name_are_two);
    tcase_add_test(tc, what_is_open_has_no_entry);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
