// SPDX-License-Identifier: MIT
#include "pool/switch.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"
#include "wire/cursor.h"
#include "wire/frame.h"

/* A switch as text: "P:name:sql B:name:values E", with commas between the values. */
static void note_values(struct buf *text, struct cursor *c)
{
    ck_assert_uint_eq(cursor_be16(c), 0); /* all values are text */
    uint16_t count = cursor_be16(c);

    for (uint16_t i = 0; i < count; i++) {
        uint32_t n = cursor_be32(c);
        struct slice value = n == UINT32_MAX ? slice_str("NULL") : cursor_bytes(c, n);
        buf_printf(text, "%s%.*s", i == 0 ? "" : ",", (int)value.n, (const char *)value.p);
    }
}

static void note_message(struct buf *text, uint8_t type, struct slice body)
{
    struct cursor c = cursor_of(body);
    struct slice first = cursor_cstr(&c);

    buf_printf(text, "%s%c", buf_size(text) == 0 ? "" : " ", type);
    if (type == WIRE_PARSE) {
        struct slice sql = cursor_cstr(&c);
        buf_append_u8(text, ':');
        buf_append_slice(text, first);
        buf_append_u8(text, ':');
        buf_append_slice(text, sql);
        ck_assert_uint_eq(cursor_be16(&c), 0);
    } else if (type == WIRE_BIND) {
        struct slice name = cursor_cstr(&c);
        ck_assert_uint_eq(first.n, 0); /* the unnamed portal */
        buf_append_u8(text, ':');
        buf_append_slice(text, name);
        buf_append_u8(text, ':');
        note_values(text, &c);
    }
    ck_assert(!c.bad);
}

static const char *text_of(struct buf *out, struct buf *text)
{
    struct slice rest = buf_slice(out);
    struct frame frame;

    while (frame_peek(rest, &frame) == FRAME_OK && frame.size <= rest.n) {
        note_message(text, frame.type, frame_body(rest, &frame));
        rest = slice_from(rest, frame.size);
    }
    ck_assert_uint_eq(rest.n, 0);
    buf_append_u8(text, 0);
    return (const char *)buf_slice(text).p;
}

/* Contexts of one scope, and what the last switch gave. */
struct desk {
    struct context_table table;
    struct buf out;
    struct buf text;
    struct switch_texts texts;
    uint32_t prepared;
};

static void begin(struct desk *d)
{
    *d = (struct desk){0};
    context_table_init(&d->table);
    switch_texts_init(&d->texts);
}

static void end(struct desk *d)
{
    buf_release(&d->out);
    buf_release(&d->text);
    context_table_fini(&d->table);
    switch_texts_fini(&d->texts);
}

static struct context_setting set(const char *name, const char *value, bool fixed)
{
    return (struct context_setting){slice_str(name), slice_str(value), fixed};
}

static struct context *intern(struct desk *d, const struct context_setting *settings, size_t n)
{
    return context_intern(&d->table, d, settings, n);
}

static const char *build(struct desk *d, const struct switch_order *order, uint32_t *completes)
{
    buf_clear(&d->out);
    buf_clear(&d->text);
    *completes = switch_build(&d->out, order, &d->texts, &d->prepared);
    return text_of(&d->out, &d->text);
}

#define BEGIN_NAMED    "P:fahrend_begin:BEGIN B:fahrend_begin: E "
#define COMMIT_NAMED   "P:fahrend_commit:COMMIT B:fahrend_commit: E"
#define BEGIN_UNNAMED  "P::BEGIN B:: E "
#define COMMIT_UNNAMED "P::COMMIT B:: E"
#define SELECT_ONE     "SELECT pg_catalog.set_config($1,$2,false)"

START_TEST(a_fresh_connection_is_put_into_its_context)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);

    const char *text = build(&d, &(struct switch_order){.to = to}, &completes);

    ck_assert_str_eq(text, BEGIN_NAMED "P:fahrend_set_1:" SELECT_ONE
                                       " B:fahrend_set_1:app.tenant,acme E " COMMIT_NAMED);
    ck_assert_uint_eq(completes, 3);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_session_gets_no_statement_of_ours)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);

    const char *text = build(&d, &(struct switch_order){.to = to, .unnamed = true}, &completes);

    ck_assert_str_eq(text, BEGIN_UNNAMED "P::" SELECT_ONE " B::app.tenant,acme E " COMMIT_UNNAMED);
    ck_assert_uint_eq(completes, 3);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(our_statements_are_parsed_once)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);
    (void)build(&d, &(struct switch_order){.to = to}, &completes);

    const char *text = build(&d, &(struct switch_order){.to = to}, &completes);

    ck_assert_str_eq(text, "B:fahrend_begin: E B:fahrend_set_1:app.tenant,acme E "
                           "B:fahrend_commit: E");
    ck_assert_uint_eq(completes, 3);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(what_is_in_force_already_is_not_asserted)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting a[] = {set("app.tenant", "acme", true), set("TimeZone", "UTC", false)};
    struct context_setting b[] = {set("app.tenant", "acme", true), set("TimeZone", "CET", false)};
    struct context *from = intern(&d, a, 2);
    struct context *to = intern(&d, b, 2);

    const char *text = build(&d, &(struct switch_order){.from = from, .to = to}, &completes);

    ck_assert_ptr_nonnull(strstr(text, "B:fahrend_set_1:TimeZone,CET E"));
    ck_assert_ptr_null(strstr(text, "acme"));
    context_unref(&d.table, from);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(what_only_the_last_context_set_is_reset_to_the_default)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting a[] = {set("app.tenant", "acme", true), set("TimeZone", "UTC", false)};
    struct context *from = intern(&d, a, 2);
    struct context *to = intern(&d, a, 1);

    const char *text = build(&d, &(struct switch_order){.from = from, .to = to}, &completes);

    ck_assert_ptr_nonnull(strstr(text, "B:fahrend_set_1:TimeZone,NULL E"));
    context_unref(&d.table, from);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(an_empty_value_is_set_and_not_reset)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("search_path", "", false)};
    struct context *to = intern(&d, settings, 1);

    const char *text = build(&d, &(struct switch_order){.to = to}, &completes);

    ck_assert_ptr_nonnull(strstr(text, "B:fahrend_set_1:search_path, E"));
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(an_unknown_context_is_asserted_whole)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true),
                                         set("TimeZone", "UTC", false)};
    struct context *to = intern(&d, settings, 2);

    const char *text =
        build(&d, &(struct switch_order){.from = to, .to = to, .unknown = true}, &completes);

    ck_assert_ptr_nonnull(strstr(text, "app.tenant,acme"));
    ck_assert_ptr_nonnull(strstr(text, "TimeZone,UTC"));
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(the_same_context_needs_nothing)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);

    const char *text = build(&d, &(struct switch_order){.from = to, .to = to}, &completes);

    ck_assert_str_eq(text, "");
    ck_assert_uint_eq(completes, 0);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_scrub_discards_first_and_trusts_no_name)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);
    (void)build(&d, &(struct switch_order){.to = to}, &completes);

    const char *text =
        build(&d, &(struct switch_order){.from = to, .to = to, .scrub = true}, &completes);

    ck_assert_str_eq(text, "P::DISCARD ALL B:: E " BEGIN_UNNAMED "P::" SELECT_ONE
                           " B::app.tenant,acme E " COMMIT_UNNAMED);
    ck_assert_uint_eq(completes, 4);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(after_a_scrub_our_statements_are_parsed_anew)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);
    (void)build(&d, &(struct switch_order){.to = to}, &completes);
    (void)build(&d, &(struct switch_order){.to = to, .scrub = true}, &completes);

    const char *text = build(&d, &(struct switch_order){.to = to}, &completes);

    ck_assert_ptr_nonnull(strstr(text, "P:fahrend_begin:BEGIN"));
    ck_assert_ptr_nonnull(strstr(text, "P:fahrend_set_1:"));
    ck_assert_ptr_nonnull(strstr(text, "P:fahrend_commit:COMMIT"));
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_scrub_into_an_empty_context_only_discards)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context *to = intern(&d, NULL, 0);

    const char *text = build(&d, &(struct switch_order){.to = to, .scrub = true}, &completes);

    ck_assert_str_eq(text, "P::DISCARD ALL B:: E");
    ck_assert_uint_eq(completes, 1);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_scrub_resets_nothing_one_by_one)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting a[] = {set("app.tenant", "acme", true), set("TimeZone", "UTC", false)};
    struct context *from = intern(&d, a, 2);
    struct context *to = intern(&d, a, 1);

    const char *text =
        build(&d, &(struct switch_order){.from = from, .to = to, .scrub = true}, &completes);

    ck_assert_ptr_null(strstr(text, "TimeZone"));
    context_unref(&d.table, from);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(within_a_session_only_the_tenants_own_settings_are_asserted)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true),
                                         set("TimeZone", "UTC", false)};
    struct context *to = intern(&d, settings, 2);

    const char *text =
        build(&d, &(struct switch_order){.from = to, .to = to, .unknown = true, .fixed_only = true},
              &completes);

    ck_assert_ptr_nonnull(strstr(text, "app.tenant,acme"));
    ck_assert_ptr_null(strstr(text, "TimeZone"));
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

/* As many settings as a context can hold, s00, s01, …; every select takes eight. */
START_TEST(many_settings_go_in_several_selects)
{
    struct desk d;
    struct context_setting settings[CONTEXT_SETTINGS_MAX];
    char names[CONTEXT_SETTINGS_MAX][24];
    uint32_t completes;
    begin(&d);
    size_t n = (size_t)_i;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(names[i], sizeof names[i], "s%02zu", i);
        settings[i] = set(names[i], "on", false);
    }
    struct context *to = intern(&d, settings, n);

    const char *text = build(&d, &(struct switch_order){.to = to}, &completes);

    ck_assert_uint_eq(completes, n == 0 ? 0 : 2 + (n + 7) / 8);
    for (size_t i = 0; i < n; i++) {
        char pair[sizeof names[0] + 8];
        (void)snprintf(pair, sizeof pair, "%s,on", names[i]);
        ck_assert_ptr_nonnull(strstr(text, pair));
    }
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_full_context_can_follow_another_full_one)
{
    struct desk d;
    struct context_setting a[CONTEXT_SETTINGS_MAX];
    struct context_setting b[CONTEXT_SETTINGS_MAX];
    char names[2 * CONTEXT_SETTINGS_MAX][24];
    uint32_t completes;
    begin(&d);
    for (size_t i = 0; i < CONTEXT_SETTINGS_MAX; i++) {
        (void)snprintf(names[2 * i], sizeof names[0], "a%02zu", i);
        (void)snprintf(names[2 * i + 1], sizeof names[0], "b%02zu", i);
        a[i] = set(names[2 * i], "on", false);
        b[i] = set(names[2 * i + 1], "on", false);
    }
    struct context *from = intern(&d, a, CONTEXT_SETTINGS_MAX);
    struct context *to = intern(&d, b, CONTEXT_SETTINGS_MAX);

    (void)build(&d, &(struct switch_order){.from = from, .to = to}, &completes);

    ck_assert_uint_eq(completes, 2 + 2 * CONTEXT_SETTINGS_MAX / 8);
    context_unref(&d.table, from);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_hostile_value_stays_a_value)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    const char *hostile = "x', true); DROP TABLE t; --";
    struct context_setting settings[] = {set("app.tenant", hostile, true)};
    struct context *to = intern(&d, settings, 1);

    const char *text = build(&d, &(struct switch_order){.to = to}, &completes);

    ck_assert_ptr_nonnull(strstr(text, "B:fahrend_set_1:app.tenant,x', true); DROP TABLE t; --"));
    ck_assert_ptr_nonnull(strstr(text, "P:fahrend_set_1:" SELECT_ONE " B:"));
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

static struct switch_order sealed_order(const struct context *from, const struct context *to)
{
    return (struct switch_order){.from = from,
                                 .to = to,
                                 .seal_setting = slice_str("app.tenant_seal"),
                                 .seal = slice_str("5ea1")};
}

START_TEST(a_seal_is_set_with_the_tenant)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);
    struct switch_order order = sealed_order(NULL, to);

    const char *text = build(&d, &order, &completes);

    ck_assert_ptr_nonnull(
        strstr(text, "B:fahrend_set_2:app.tenant,acme,app.tenant_seal,5ea1 E " COMMIT_NAMED));
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_sealed_tenant_is_asserted_though_nothing_changed)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true),
                                         set("TimeZone", "UTC", false)};
    struct context *to = intern(&d, settings, 2);
    struct switch_order order = sealed_order(to, to);

    const char *text = build(&d, &order, &completes);

    ck_assert_ptr_nonnull(
        strstr(text, "B:fahrend_set_2:app.tenant,acme,app.tenant_seal,5ea1 E " COMMIT_NAMED));
    ck_assert_ptr_null(strstr(text, "TimeZone"));
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

START_TEST(a_sealed_scrub_keeps_plans_and_commits_before_anything_needs_a_snapshot)
{
    struct desk d;
    uint32_t completes;
    begin(&d);
    struct context_setting settings[] = {set("app.tenant", "acme", true)};
    struct context *to = intern(&d, settings, 1);
    struct switch_order order = sealed_order(to, to);
    order.scrub = true;

    const char *text = build(&d, &order, &completes);

    ck_assert_ptr_eq(strstr(text, "P::BEGIN B:: E P::RESET ALL B:: E P::COMMIT B:: E P::CLOSE ALL"),
                     text);
    ck_assert_ptr_null(strstr(text, "DISCARD ALL"));
    ck_assert_ptr_nonnull(strstr(text, "DISCARD SEQUENCES B:: E " BEGIN_UNNAMED));
    ck_assert_uint_eq(completes, 10 + 3);
    context_unref(&d.table, to);
    end(&d);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("switch");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_fresh_connection_is_put_into_its_context);
    tcase_add_test(all, a_session_gets_no_statement_of_ours);
    tcase_add_test(all, our_statements_are_parsed_once);
    tcase_add_test(all, what_is_in_force_already_is_not_asserted);
    tcase_add_test(all, what_only_the_last_context_set_is_reset_to_the_default);
    tcase_add_test(all, an_empty_value_is_set_and_not_reset);
    tcase_add_test(all, an_unknown_context_is_asserted_whole);
    tcase_add_test(all, the_same_context_needs_nothing);
    tcase_add_test(all, a_scrub_discards_first_and_trusts_no_name);
    tcase_add_test(all, after_a_scrub_our_statements_are_parsed_anew);
    tcase_add_test(all, a_scrub_into_an_empty_context_only_discards);
    tcase_add_test(all, a_scrub_resets_nothing_one_by_one);
    tcase_add_test(all, within_a_session_only_the_tenants_own_settings_are_asserted);
    tcase_add_loop_test(all, many_settings_go_in_several_selects, 0, CONTEXT_SETTINGS_MAX + 1);
    tcase_add_test(all, a_full_context_can_follow_another_full_one);
    tcase_add_test(all, a_hostile_value_stays_a_value);
    tcase_add_test(all, a_seal_is_set_with_the_tenant);
    tcase_add_test(all, a_sealed_tenant_is_asserted_though_nothing_changed);
    tcase_add_test(all, a_sealed_scrub_keeps_plans_and_commits_before_anything_needs_a_snapshot);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
