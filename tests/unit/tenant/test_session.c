// SPDX-License-Identifier: MIT
#include "tenant/session.h"

#include "testing.h"

static struct setting limits[] = {{"statement_timeout", "30s"}};

static const struct tenant_config rls_config = {
    .server = "main",
    .database = "app",
    .strategy = STRATEGY_RLS,
    .rls = {.setting = "app.tenant"},
    .settings = {limits, 1},
};
static const struct tenant acme = {.name = "acme", .config = &rls_config};
static const struct login login = {.user = {(const uint8_t *)"bob", 3}};

static struct context_setting startup(const char *name, const char *value)
{
    return (struct context_setting){slice_str(name), slice_str(value), .fixed = false};
}

static int merge(const struct context_setting *asked, size_t n, struct context_setting *out,
                 size_t cap, struct err *err)
{
    static struct plan plan;

    ck_assert_int_eq(strategy_plan(&acme, &login, &plan, err), 0);
    return session_settings(&acme, &plan, asked, n, out, cap, err);
}

START_TEST(the_client_adds_to_what_the_tenant_fixes)
{
    struct context_setting asked[] = {startup("TimeZone", "UTC"),
                                      startup("application_name", "psql")};
    struct context_setting out[8];
    struct err err = {0};

    int n = merge(asked, 2, out, 8, &err);

    ck_assert_int_eq(n, 4);
    ck_assert_slice_str(out[0].name, "statement_timeout");
    ck_assert(out[0].fixed);
    ck_assert_slice_str(out[1].name, "app.tenant");
    ck_assert_slice_str(out[1].value, "acme");
    ck_assert(out[1].fixed);
    ck_assert_slice_str(out[2].name, "TimeZone");
    ck_assert_slice_str(out[2].value, "UTC");
    ck_assert(!out[2].fixed);
    ck_assert_slice_str(out[3].value, "psql");
}
END_TEST

START_TEST(the_tenants_limit_wins_silently)
{
    struct context_setting asked[] = {startup("Statement_Timeout", "0")};
    struct context_setting out[8];
    struct err err = {0};

    int n = merge(asked, 1, out, 8, &err);

    ck_assert_int_eq(n, 2);
    ck_assert_slice_str(out[0].value, "30s");
}
END_TEST

START_TEST(a_reserved_setting_is_refused)
{
    const char *reserved[] = {"app.tenant", "APP.TENANT", "app.tenant_seal", "role",
                              "session_authorization"};

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        struct context_setting asked[] = {startup("TimeZone", "UTC"), startup(reserved[i], "acme")};
        struct context_setting out[8];
        struct err err = {0};
        ck_assert_int_eq(merge(asked, 2, out, 8, &err), ERR_RESERVED);
        ck_assert_str_eq(err_sqlstate(&err), "42501");
        ck_assert_ptr_nonnull(strstr(err.text, reserved[i]));
        ck_assert_ptr_nonnull(strstr(err.text, "is reserved for the tenant's isolation"));
    }
}
END_TEST

START_TEST(a_client_cannot_mark_its_setting_as_fixed)
{
    struct context_setting asked[] = {{slice_str("a.b"), slice_str("1"), .fixed = true}};
    struct context_setting out[8];
    struct err err = {0};

    ck_assert_int_eq(merge(asked, 1, out, 8, &err), 3);

    ck_assert(!out[2].fixed);
}
END_TEST

START_TEST(protocol_extensions_are_no_settings)
{
    struct context_setting asked[] = {startup("_pq_.compression", "zstd")};
    struct context_setting out[8];
    struct err err = {0};

    ck_assert_int_eq(merge(asked, 1, out, 8, &err), 2);
}
END_TEST

START_TEST(more_than_there_is_room_for_is_refused)
{
    struct context_setting asked[] = {startup("a.b", "1"), startup("a.c", "1")};
    struct context_setting out[3];
    struct err err = {0};

    ck_assert_int_eq(merge(asked, 1, out, 3, &err), 3);
    ck_assert_int_eq(merge(asked, 2, out, 3, &err), ERR_INVALID_VALUE);
    ck_assert_int_eq(merge(asked, 0, out, 1, &err), ERR_INVALID_VALUE);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("session");
    TCase *cases = tcase_create("session");

    tcase_add_test(cases, the_client_adds_to_what_the_tenant_fixes);
    tcase_add_test(cases, the_tenants_limit_wins_silently);
    tcase_add_test(cases, a_reserved_setting_is_refused);
    tcase_add_test(cases, a_client_cannot_mark_its_setting_as_fixed);
    tcase_add_test(cases, protocol_extensions_are_no_settings);
    tcase_add_test(cases, more_than_there_is_room_for_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
