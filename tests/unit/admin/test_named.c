// SPDX-License-Identifier: MIT
#include "admin/named.h"

#include <string.h>

#include "testing.h"

/* A view of three tenants that have done so much. */
static struct view_tenant tenants[3];
static const struct view view = {.tenants = tenants, .tenant_count = 3};

static void set(uint32_t i, const char *name, uint64_t transactions)
{
    memset(&tenants[i], 0, sizeof tenants[i]);
    memcpy(tenants[i].record.name, name, strlen(name));
    tenants[i].record.stats.transactions = transactions;
}

static uint64_t rest_of(struct named *named, uint32_t max, bool has_name[3])
{
    struct named_choice choice;

    named_choose(named, &view, max, &choice);
    memcpy(has_name, choice.has_name, 3 * sizeof *has_name);
    uint64_t rest = choice.rest.stats.transactions;
    named_choice_fini(&choice);
    return rest;
}

START_TEST(the_busiest_have_a_name_and_the_rest_are_one)
{
    struct named named = {0};
    bool has_name[3];
    set(0, "a", 10);
    set(1, "b", 30);
    set(2, "c", 20);

    ck_assert_uint_eq(rest_of(&named, 2, has_name), 10);

    ck_assert(!has_name[0] && has_name[1] && has_name[2]);
    named_fini(&named);
}
END_TEST

START_TEST(a_name_is_kept_until_another_is_twice_as_busy)
{
    struct named named = {0};
    bool has_name[3];
    set(0, "a", 10);
    set(1, "b", 30);
    set(2, "c", 20);
    (void)rest_of(&named, 2, has_name);

    set(0, "a", 39);
    (void)rest_of(&named, 2, has_name);
    ck_assert(!has_name[0]);
    set(0, "a", 41);
    (void)rest_of(&named, 2, has_name);

    ck_assert(has_name[0] && has_name[1] && !has_name[2]);
    named_fini(&named);
}
END_TEST

START_TEST(the_counters_of_the_rest_neither_fall_nor_jump_when_names_change)
{
    struct named named = {0};
    bool has_name[3];
    set(0, "a", 10);
    set(1, "b", 30);
    set(2, "c", 20);
    ck_assert_uint_eq(rest_of(&named, 2, has_name), 10);

    set(0, "a", 100);
    uint64_t rest = rest_of(&named, 2, has_name);
    ck_assert(has_name[0] && !has_name[2]);
    ck_assert_uint_eq(rest, 100); /* what it was, and what `a` did before it had a name */
    set(2, "c", 25);

    ck_assert_uint_eq(rest_of(&named, 2, has_name), rest + 5);
    named_fini(&named);
}
END_TEST

START_TEST(a_tenant_called_as_the_rest_is_among_the_rest)
{
    struct named named = {0};
    bool has_name[3];
    set(0, "a", 1);
    set(1, "other", 30);
    set(2, "c", 2);

    ck_assert_uint_eq(rest_of(&named, 3, has_name), 30);

    ck_assert(has_name[0] && !has_name[1] && has_name[2]);
    named_fini(&named);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("named");
    TCase *tc = tcase_create("named");

    tcase_add_test(tc, the_busiest_have_a_name_and_the_rest_are_one);
    tcase_add_test(tc, a_name_is_kept_until_another_is_twice_as_busy);
    tcase_add_test(tc, the_counters_of_the_rest_neither_fall_nor_jump_when_names_change);
    tcase_add_test(tc, a_tenant_called_as_the_rest_is_among_the_rest);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
