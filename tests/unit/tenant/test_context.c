// SPDX-License-Identifier: MIT
#include "tenant/context.h"

#include <stdio.h>

#include "testing.h"

static int scope_a;
static int scope_b;

static struct context_setting client(const char *name, const char *value)
{
    return (struct context_setting){slice_str(name), slice_str(value), .fixed = false};
}

static struct context_setting fixed(const char *name, const char *value)
{
    return (struct context_setting){slice_str(name), slice_str(value), .fixed = true};
}

START_TEST(equal_settings_in_any_order_are_one_context)
{
    struct context_table table;
    struct context_setting one[] = {client("TimeZone", "UTC"), fixed("app.tenant", "acme")};
    struct context_setting two[] = {fixed("App.Tenant", "acme"), client("timezone", "UTC")};
    context_table_init(&table);

    struct context *a = context_intern(&table, &scope_a, one, 2);
    struct context *b = context_intern(&table, &scope_a, two, 2);

    ck_assert_ptr_eq(a, b);
    ck_assert_uint_eq(a->refs, 2);
    ck_assert_uint_eq(table.count, 1);
    context_unref(&table, a);
    context_unref(&table, b);
    context_table_fini(&table);
}
END_TEST

START_TEST(whatever_differs_makes_another_context)
{
    struct context_table table;
    struct context_setting settings[] = {
        client("a", "1"), client("a", "2"), client("b", "1"),
        fixed("a", "1"),  client("a1", ""), client("a", ""),
    };
    enum { COUNT = sizeof settings / sizeof settings[0] };
    struct context *contexts[COUNT];
    context_table_init(&table);

    for (size_t i = 0; i < COUNT; i++) {
        contexts[i] = context_intern(&table, &scope_a, &settings[i], 1);
    }

    ck_assert_uint_eq(table.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        context_unref(&table, contexts[i]);
    }
    context_table_fini(&table);
}
END_TEST

START_TEST(different_scopes_never_unify)
{
    struct context_table table;
    struct context_setting setting = client("a", "1");
    context_table_init(&table);

    struct context *a = context_intern(&table, &scope_a, &setting, 1);
    struct context *b = context_intern(&table, &scope_b, &setting, 1);

    ck_assert_ptr_ne(a, b);
    ck_assert_ptr_eq(a->scope, &scope_a);
    context_unref(&table, a);
    context_unref(&table, b);
    context_table_fini(&table);
}
END_TEST

START_TEST(settings_are_sorted_and_copied)
{
    struct context_table table;
    char value[] = "two";
    struct context_setting settings[] = {client("b", value), fixed("C", "three"), client("a", "")};
    context_table_init(&table);

    struct context *context = context_intern(&table, &scope_a, settings, 3);
    memset(value, 'x', 3);

    ck_assert_uint_eq(context->count, 3);
    ck_assert_slice_str(context->settings[0].name, "a");
    ck_assert_slice_str(context->settings[0].value, "");
    ck_assert_slice_str(context->settings[1].value, "two");
    ck_assert_slice_str(context->settings[2].name, "C");
    ck_assert(context->settings[2].fixed);
    ck_assert(!context->settings[1].fixed);
    ck_assert(list_empty(&context->idle));
    ck_assert(!context->proven);
    context_unref(&table, context);
    context_table_fini(&table);
}
END_TEST

START_TEST(of_duplicates_the_last_counts_but_a_fixed_one_first)
{
    struct context_table table;
    struct context_setting settings[] = {client("a", "1"),   client("A", "2"), client("b", "1"),
                                         fixed("b", "mine"), client("B", "2"), fixed("c", "mine"),
                                         client("c", "1")};
    context_table_init(&table);

    struct context *context = context_intern(&table, &scope_a, settings, 7);

    ck_assert_uint_eq(context->count, 3);
    ck_assert_slice_str(context_find(context, slice_str("a"))->value, "2");
    ck_assert_slice_str(context_find(context, slice_str("b"))->value, "mine");
    ck_assert_slice_str(context_find(context, slice_str("c"))->value, "mine");
    context_unref(&table, context);
    context_table_fini(&table);
}
END_TEST

START_TEST(with_changes_one_setting)
{
    struct context_table table;
    struct context_setting settings[] = {client("a", "1"), client("b", "2")};
    context_table_init(&table);
    struct context *context = context_intern(&table, &scope_a, settings, 2);

    struct context *changed = context_with(&table, context, slice_str("B"), slice_str("3"));
    struct context *back = context_with(&table, changed, slice_str("b"), slice_str("2"));

    ck_assert_ptr_ne(changed, context);
    ck_assert_uint_eq(changed->count, 2);
    ck_assert_slice_str(context_find(changed, slice_str("a"))->value, "1");
    ck_assert_slice_str(context_find(changed, slice_str("b"))->value, "3");
    ck_assert_slice_str(context_find(context, slice_str("b"))->value, "2");
    ck_assert_ptr_eq(changed->scope, &scope_a);
    ck_assert_ptr_eq(back, context);
    context_unref(&table, back);
    context_unref(&table, changed);
    context_unref(&table, context);
    context_table_fini(&table);
}
END_TEST

START_TEST(with_adds_a_setting_that_was_not_there)
{
    struct context_table table;
    context_table_init(&table);
    struct context *empty = context_intern(&table, &scope_a, NULL, 0);

    struct context *one = context_with(&table, empty, slice_str("TimeZone"), slice_str("UTC"));

    ck_assert_uint_eq(empty->count, 0);
    ck_assert_uint_eq(one->count, 1);
    ck_assert(!one->settings[0].fixed);
    ck_assert_ptr_null(context_find(empty, slice_str("timezone")));
    context_unref(&table, one);
    context_unref(&table, empty);
    context_table_fini(&table);
}
END_TEST

START_TEST(with_gives_the_same_where_nothing_may_change)
{
    struct context_table table;
    struct context_setting settings[] = {client("a", "1"), fixed("app.tenant", "acme")};
    context_table_init(&table);
    struct context *context = context_intern(&table, &scope_a, settings, 2);

    struct context *same = context_with(&table, context, slice_str("A"), slice_str("1"));
    struct context *kept =
        context_with(&table, context, slice_str("app.tenant"), slice_str("globex"));

    ck_assert_ptr_eq(same, context);
    ck_assert_ptr_eq(kept, context);
    ck_assert_uint_eq(context->refs, 3);
    context_unref(&table, kept);
    context_unref(&table, same);
    context_unref(&table, context);
    context_table_fini(&table);
}
END_TEST

START_TEST(with_refuses_more_settings_than_there_is_room_for)
{
    struct context_table table;
    context_table_init(&table);
    struct context *context = context_intern(&table, &scope_a, NULL, 0);

    for (int i = 0; i < CONTEXT_SETTINGS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x.s%d", i);
        struct context *next = context_with(&table, context, slice_str(name), slice_str("v"));
        ck_assert_ptr_nonnull(next);
        context_unref(&table, context);
        context = next;
    }

    ck_assert_uint_eq(context->count, CONTEXT_SETTINGS_MAX);
    ck_assert_ptr_null(context_with(&table, context, slice_str("x.more"), slice_str("v")));
    struct context *changed = context_with(&table, context, slice_str("x.s0"), slice_str("w"));
    ck_assert_ptr_nonnull(changed);
    context_unref(&table, changed);
    context_unref(&table, context);
    context_table_fini(&table);
}
END_TEST

START_TEST(the_last_unref_takes_it_out_of_the_table)
{
    struct context_table table;
    struct context_setting setting = client("a", "1");
    context_table_init(&table);
    struct context *context = context_intern(&table, &scope_a, &setting, 1);

    context_unref(&table, context_ref(context));
    ck_assert_uint_eq(table.count, 1);
    ck_assert_uint_eq(table.bytes, context_bytes(context));
    context_unref(&table, context);
    context_unref(&table, NULL);

    ck_assert_uint_eq(table.count, 0);
    ck_assert_uint_eq(table.bytes, 0);
    context_table_fini(&table);
}
END_TEST

static struct context *intern_number(struct context_table *table, int number)
{
    char name[16];

    (void)snprintf(name, sizeof name, "tenant%d", number);
    struct context_setting settings[] = {client("TimeZone", "UTC"), client("app.tenant", name)};
    return context_intern(table, &scope_a, settings, 2);
}

static size_t longest_chain(const struct context_table *table)
{
    size_t longest = 0;

    for (size_t i = 0; i < table->chain_count; i++) {
        size_t n = 0;
        for (const struct context *c = table->chains[i]; c != NULL; c = c->next) {
            n++;
        }
        longest = n > longest ? n : longest;
    }
    return longest;
}

START_TEST(a_hundred_thousand_contexts_stay_in_short_chains)
{
    enum { COUNT = 100000 };
    static struct context *contexts[COUNT];
    struct context_table table;
    context_table_init(&table);

    for (int i = 0; i < COUNT; i++) {
        contexts[i] = intern_number(&table, i);
    }

    ck_assert_uint_eq(table.count, COUNT);
    ck_assert_uint_lt(longest_chain(&table), 20);
    for (int i = 0; i < COUNT; i++) {
        struct context *again = intern_number(&table, i);
        ck_assert_ptr_eq(again, contexts[i]);
        context_unref(&table, again);
        context_unref(&table, contexts[i]);
    }
    context_table_fini(&table);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("context");
    TCase *cases = tcase_create("context");

    tcase_add_test(cases, equal_settings_in_any_order_are_one_context);
    tcase_add_test(cases, whatever_differs_makes_another_context);
    tcase_add_test(cases, different_scopes_never_unify);
    tcase_add_test(cases, settings_are_sorted_and_copied);
    tcase_add_test(cases, of_duplicates_the_last_counts_but_a_fixed_one_first);
    tcase_add_test(cases, with_changes_one_setting);
    tcase_add_test(cases, with_adds_a_setting_that_was_not_there);
    tcase_add_test(cases, with_gives_the_same_where_nothing_may_change);
    tcase_add_test(cases, with_refuses_more_settings_than_there_is_room_for);
    tcase_add_test(cases, the_last_unref_takes_it_out_of_the_table);
    tcase_add_test(cases, a_hundred_thousand_contexts_stay_in_short_chains);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
