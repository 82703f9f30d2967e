// SPDX-License-Identifier: MIT
#include "proxy/realm.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "config/load.h"
#include "secret/fetch.h"
#include "testing.h"

static const uint8_t mock[32] = "thirty-two bytes of randomness.";

/* Of the two servers of every configuration here; nothing is taken from them. */
static struct budget budgets[2];

static const struct realm *build(const char *text, struct err *err)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;
    const struct secrets *secrets = NULL;
    struct budget *pointers[] = {&budgets[0], &budgets[1]};
    struct buf report = {0};

    ck_assert_int_eq(config_parse("test.yaml", slice_str(text), &config, &faults), 0);
    config_faults_fini(&faults);
    ck_assert_int_eq(fetch_secrets(config, &secrets, &report), 0);
    buf_release(&report);
    const struct registry *registry = registry_build(config, NULL);
    config_unref(config);
    return realm_build(registry, secrets, NULL, pointers, mock, err);
}

static const struct realm *build_well(const char *text)
{
    struct err err = {0};
    const struct realm *realm = build(text, &err);

    ck_assert_msg(realm != NULL, "%s", err.text);
    return realm;
}

#define SERVERS "servers: {main: {}, replica: {}}\n"
#define USERS   "users: {app: {password: secret, tenants: ['*']}}\n"

START_TEST(users_are_found_by_exact_name)
{
    const struct realm *realm = build_well(SERVERS USERS);

    const struct realm_user *app = realm_user(realm, slice_str("app"));

    ck_assert_ptr_nonnull(app);
    ck_assert_str_eq(app->config->name, "app");
    ck_assert_str_eq(app->secret, "secret");
    ck_assert_ptr_null(realm_user(realm, slice_str("App")));
    ck_assert_ptr_null(realm_user(realm, slice_str("ap")));
    ck_assert_ptr_null(realm_user(realm, SLICE_EMPTY));
    realm_unref(realm);
}
END_TEST

START_TEST(with_scram_a_plain_password_becomes_keys_once)
{
    const struct realm *realm = build_well(SERVERS USERS "auth: {method: scram-sha-256}\n");

    const struct realm_user *app = realm_user(realm, slice_str("app"));

    ck_assert(app->has_verifier);
    ck_assert_int_eq(app->verifier.kind, VERIFIER_SCRAM);
    ck_assert(verifier_check_password(&app->verifier, slice_str("app"), slice_str("secret")));
    ck_assert(!verifier_check_password(&app->verifier, slice_str("app"), slice_str("Secret")));
    realm_unref(realm);
}
END_TEST

START_TEST(with_other_methods_a_plain_password_stays_one)
{
    static const char *const methods[] = {"password", "md5", "trust"};
    char text[200];
    (void)snprintf(text, sizeof text, SERVERS USERS "auth: {method: %s}\n", methods[_i]);
    const struct realm *realm = build_well(text);

    const struct realm_user *app = realm_user(realm, slice_str("app"));

    ck_assert(app->has_verifier);
    ck_assert_int_eq(app->verifier.kind, VERIFIER_PLAIN);
    realm_unref(realm);
}
END_TEST

START_TEST(a_user_without_a_password_has_no_verifier)
{
    const struct realm *realm =
        build_well(SERVERS "users: {other: {tenants: ['*']}}\nauth: {method: trust}\n");

    ck_assert(!realm_user(realm, slice_str("other"))->has_verifier);
    ck_assert_ptr_null(realm_user(realm, slice_str("other"))->secret);
    realm_unref(realm);
}
END_TEST

START_TEST(the_salts_of_known_and_unknown_users_outlive_a_reload)
{
    const struct realm *before = build_well(SERVERS USERS "auth: {method: scram-sha-256}\n");
    const struct realm *after = build_well(SERVERS USERS "auth: {method: scram-sha-256}\n");
    struct verifier a;
    struct verifier b;
    realm_mock(before, VERIFIER_SCRAM, slice_str("nobody"), &a);
    realm_mock(after, VERIFIER_SCRAM, slice_str("nobody"), &b);

    ck_assert_mem_eq(a.scram.salt, b.scram.salt, SCRAM_SALT);
    const struct realm_user *x = realm_user(before, slice_str("app"));
    const struct realm_user *y = realm_user(after, slice_str("app"));
    ck_assert_mem_eq(x->verifier.scram.salt, y->verifier.scram.salt, SCRAM_SALT);

    verifier_fini(&a);
    verifier_fini(&b);
    realm_unref(before);
    realm_unref(after);
}
END_TEST

START_TEST(a_mock_has_the_shape_of_a_real_one_and_nothing_passes_it)
{
    const struct realm *realm = build_well(SERVERS USERS "auth: {method: scram-sha-256}\n");
    const struct realm_user *app = realm_user(realm, slice_str("app"));
    struct verifier v;

    realm_mock(realm, VERIFIER_SCRAM, slice_str("nobody"), &v);

    ck_assert_int_eq(v.kind, app->verifier.kind);
    ck_assert_uint_eq(v.scram.iterations, app->verifier.scram.iterations);
    ck_assert_uint_eq(v.scram.salt_size, app->verifier.scram.salt_size);
    ck_assert(!verifier_check_password(&v, slice_str("nobody"), slice_str("secret")));
    verifier_fini(&v);
    realm_unref(realm);
}
END_TEST

START_TEST(a_secret_that_is_no_verifier_is_an_error_that_names_its_place_and_not_its_text)
{
    struct err err = {0};

    const struct realm *realm =
        build(SERVERS "users: {app: {password: 'SCRAM-SHA-256$nonsense', tenants: ['*']}}\n", &err);

    ck_assert_ptr_null(realm);
    ck_assert_ptr_nonnull(strstr(err.text, "users.app.password: "));
    ck_assert_ptr_null(strstr(err.text, "nonsense"));
}
END_TEST

START_TEST(every_server_has_its_budget)
{
    const struct realm *realm = build_well(SERVERS);

    ck_assert_ptr_eq(realm_budget(realm, "main"), &budgets[0]);
    ck_assert_ptr_eq(realm_budget(realm, "replica"), &budgets[1]);
    ck_assert_ptr_null(realm_budget(realm, "elsewhere"));
    realm_unref(realm);
}
END_TEST

static void *ref_and_unref(void *data)
{
    for (int i = 0; i < 20000; i++) {
        realm_unref(realm_ref(data));
    }
    return NULL;
}

START_TEST(references_may_be_counted_on_many_threads)
{
    const struct realm *realm = build_well(SERVERS USERS);
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ref_and_unref, (void *)(uintptr_t)realm),
                         0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }

    ck_assert_str_eq(realm_user(realm, slice_str("app"))->secret, "secret"); /* it is still there */
    realm_unref(realm);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("realm");
    TCase *all = tcase_create("all");

    tcase_add_test(all, users_are_found_by_exact_name);
    tcase_add_test(all, with_scram_a_plain_password_becomes_keys_once);
    tcase_add_loop_test(all, with_other_methods_a_plain_password_stays_one, 0, 3);
    tcase_add_test(all, a_user_without_a_password_has_no_verifier);
    tcase_add_test(all, the_salts_of_known_and_unknown_users_outlive_a_reload);
    tcase_add_test(all, a_mock_has_the_shape_of_a_real_one_and_nothing_passes_it);
    tcase_add_test(all,
                   a_secret_that_is_no_verifier_is_an_error_that_names_its_place_and_not_its_text);
    tcase_add_test(all, every_server_has_its_budget);
    tcase_add_test(all, references_may_be_counted_on_many_threads);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
