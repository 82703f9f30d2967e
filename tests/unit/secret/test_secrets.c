// SPDX-License-Identifier: MIT
#include "secret/secrets.h"

#include "base/err.h"
#include "config/load.h"
#include "secret/fetch.h"
#include "testing.h"

static const struct config *parse(const char *text)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;

    int result = config_parse("/etc/t.yaml", slice_str(text), &config, &faults);
    ck_assert_msg(result == 0, "%s", faults.count > 0 ? faults.items[0].text : "");
    config_faults_fini(&faults);
    return config;
}

static const char good[] = "servers: {main: {admin: {user: p, password: {exec: [echo, boss]}}}}\n"
                           "users: {app: {password: one}, other: {password: {env: TEST_OTHER}}}\n"
                           "tenants:\n"
                           "  defaults: {login: {user: u, password: shared}}\n"
                           "  acme:\n"
                           "  globex: {login: {user: g}}\n";

START_TEST(each_reference_finds_its_secret)
{
    const struct config *c = parse(good);
    const struct secrets *s = NULL;
    struct buf errors = {0};

    ck_assert_int_eq(setenv("TEST_OTHER", "two", 1), 0);
    ck_assert_int_eq(fetch_secrets(c, &s, &errors), 0);

    ck_assert_str_eq(secret_of(s, &c->users[0].password), "one");
    ck_assert_str_eq(secret_of(s, &c->users[1].password), "two");
    ck_assert_str_eq(secret_of(s, &c->servers[0].admin.password), "boss");
    ck_assert_str_eq(secret_of(s, &c->tenants[0].config->login.password), "shared");
    ck_assert_ptr_eq(secret_of(s, &c->tenants[0].config->login.password),
                     secret_of(s, &c->defaults.login.password));
    ck_assert_ptr_null(secret_of(s, &c->tenants[1].config->login.password));
    ck_assert_ptr_null(secret_of(s, &c->auth.query.password));
    ck_assert_uint_eq(buf_size(&errors), 0);
    secrets_unref(s);
    config_unref(c);
}
END_TEST

START_TEST(a_snapshot_holds_its_configuration)
{
    const struct config *c = parse("servers: {main: {}}\nusers: {a: {password: one}}\n");
    const struct secrets *s = NULL;
    struct buf errors = {0};

    ck_assert_int_eq(fetch_secrets(c, &s, &errors), 0);
    config_unref(c);
    ck_assert_ptr_eq(secrets_ref(s), s);
    secrets_unref(s);

    const struct user_config *user = config_user(secrets_config(s), slice_str("a"));
    ck_assert_str_eq(secret_of(s, &user->password), "one");
    secrets_unref(s);
    secrets_unref(NULL);
    ck_assert_ptr_null(secrets_ref(NULL));
}
END_TEST

START_TEST(all_failures_are_told_and_nothing_is_kept)
{
    const struct config *c =
        parse("servers: {main: {}}\n"
              "users:\n"
              "  a: {password: {env: TEST_NOT_SET}}\n"
              "  b: {password: good}\n"
              "  c: {password: {file: /nonexistent/file}}\n"
              "tenants: {t: {login: {user: u, password: {exec: [\"false\"]}}}}\n");
    const struct secrets *s = NULL;
    struct buf errors = {0};

    ck_assert_int_eq(fetch_secrets(c, &s, &errors), ERR_CONFIG);

    ck_assert_ptr_null(s);
    buf_append_u8(&errors, 0);
    ck_assert_str_eq((const char *)errors.p,
                     "users.a.password: env: TEST_NOT_SET: is not set\n"
                     "users.c.password: file: /nonexistent/file: No such file or directory\n"
                     "tenants.t.login.password: exec: false: ended with status 1\n");
    buf_release(&errors);
    config_unref(c);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("secret.secrets");
    TCase *tc = tcase_create("secrets");

    tcase_add_test(tc, each_reference_finds_its_secret);
    tcase_add_test(tc, a_snapshot_holds_its_configuration);
    tcase_add_test(tc, all_failures_are_told_and_nothing_is_kept);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
