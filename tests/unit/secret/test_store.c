// SPDX-License-Identifier: MIT
//
// store: each type that needs no service: what it reads, writes, deletes, and what it refuses.
#include "secret/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "config/load.h"
#include "secret/fetch.h"
#include "testing.h"

static char folder[64];
static const struct config *config;
static const struct secrets *secrets;

/* A program that keeps secrets as files of the folder, for the type exec. */
static const char program[] = "case \"$1\" in "
                              "read) [ -f $D/$2 ] || exit 44; cat $D/$2;; "
                              "write) cat >$D/$2;; "
                              "delete) rm $D/$2 2>/dev/null || exit 44;; esac";

static void set_up(void)
{
    struct config_faults faults = {0};
    struct buf errors = {0};

    (void)snprintf(folder, sizeof folder, "/tmp/test_store.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("D", folder, 1), 0);
    char *text = x_printf("servers: {main: {}}\n"
                          "secrets:\n"
                          "  environment: [D]\n"
                          "  providers:\n"
                          "    files: {directory: %s/kept}\n"
                          "    env: {type: env, prefix: TEST_PW_}\n"
                          "    exec: {type: exec, command: [sh, -c, '%s', keeper]}\n"
                          "    master: {type: derive, key: master-key}\n",
                          folder, program);
    int rc = config_parse("/etc/t.yaml", slice_str(text), &config, &faults);
    ck_assert_msg(rc == 0, "%s", faults.count > 0 ? faults.items[0].text : "");
    config_faults_fini(&faults);
    ck_assert_int_eq(fetch_secrets(config, &secrets, &errors), 0);
    free(text);
}

static void tear_down(void)
{
    char *command = x_printf("rm -r %s", folder);

    ck_assert_int_eq(system(command), 0);
    free(command);
    secrets_unref(secrets);
    config_unref(config);
}

static const struct provider_config *provider(const char *name)
{
    return config_provider(config, name);
}

static void check_read(const char *store, const struct store_key *key, const char *expected)
{
    struct err err = {0};
    char *out = NULL;

    ck_assert_msg(store_read(secrets, provider(store), key, &out, &err) == 0, "%s", err.text);
    ck_assert_str_eq(out, expected);
    secure_free(out);
}

static void check_no_read(const char *store, const struct store_key *key, int code,
                          const char *text)
{
    struct err err = {0};
    char *out = NULL;

    ck_assert_int_eq(store_read(secrets, provider(store), key, &out, &err), code);
    ck_assert_ptr_null(out);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

static void write_one(const char *store, const char *id, const char *value)
{
    struct err err = {0};
    struct store_key key = {.id = id};

    ck_assert_msg(store_write(secrets, provider(store), &key, value, &err) == 0, "%s", err.text);
}

static void delete_one(const char *store, const char *id)
{
    struct err err = {0};
    struct store_key key = {.id = id};

    ck_assert_msg(store_delete(secrets, provider(store), &key, &err) == 0, "%s", err.text);
}

/* The ways of a store that can be written to. */
static void check_life(const char *store)
{
    struct store_key key = {.id = "tenant_acme"};

    delete_one(store, "tenant_acme");
    check_no_read(store, &key, ERR_NO_SECRET, "tenant_acme");

    write_one(store, "tenant_acme", "first");
    check_read(store, &key, "first");

    write_one(store, "tenant_acme", "second");
    check_read(store, &key, "second");

    delete_one(store, "tenant_acme");
    check_no_read(store, &key, ERR_NO_SECRET, "tenant_acme");
    delete_one(store, "tenant_acme");
}

START_TEST(a_file_is_written_replaced_and_deleted)
{
    write_one("files", "other", "other"); /* makes the folder */

    check_life("files");

    check_read("files", &(struct store_key){.id = "other"}, "other");
}
END_TEST

START_TEST(a_file_is_closed_to_others_and_nothing_lies_beside_it)
{
    struct stat st;
    char *path = x_printf("%s/kept/role", folder);
    char *beside = x_printf("%s/kept/.role.new", folder);
    mode_t before = umask(0);

    write_one("files", "role", "first");
    int fd = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0666); /* as a crash may leave it */
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    write_one("files", "role", "second");
    (void)umask(before);

    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    ck_assert_int_ne(access(beside, F_OK), 0);
    check_read("files", &(struct store_key){.id = "role"}, "second");
    free(path);
    free(beside);
}
END_TEST

START_TEST(a_folder_that_others_may_write_to_is_refused)
{
    struct store_key key = {.id = "role"};
    char *path = x_printf("%s/kept", folder);

    write_one("files", "role", "value");
    ck_assert_int_eq(chmod(path, 0777), 0);

    check_no_read("files", &key, ERR_CONFIG, "its mode, 0777, lets others write");
    ck_assert_int_eq(chmod(path, 01777), 0);
    check_read("files", &key, "value");
    free(path);
}
END_TEST

START_TEST(names_that_are_paths_or_no_names_are_refused)
{
    static const char *const names[] = {"..",          ".",    ".hidden", "../x",  "a/b",
                                        "/etc/passwd", "a\nb", "",        "a\177b"};
    char huge[400];

    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    write_one("files", "x", "value");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_no_read("files", &(struct store_key){.id = names[i]}, ERR_CONFIG, "secret store");
    }
    check_no_read("files", &(struct store_key){.id = huge}, ERR_CONFIG, "bytes");
    check_no_read("exec", &(struct store_key){.id = "-x"}, ERR_CONFIG, "option");
    check_no_read("env", &(struct store_key){.id = "a.b"}, ERR_CONFIG, "variable");
}
END_TEST

START_TEST(a_variable_is_read_and_cannot_be_written)
{
    struct err err = {0};
    struct store_key key = {.id = "acme"};

    ck_assert_int_eq(setenv("TEST_PW_acme", "from-env", 1), 0);

    check_read("env", &key, "from-env");
    check_no_read("env", &(struct store_key){.id = "none"}, ERR_NO_SECRET, "TEST_PW_none");
    ck_assert_int_eq(store_write(secrets, provider("env"), &key, "x", &err), ERR_CONFIG);
    ck_assert_str_eq(err.text,
                     "secret store \"env\": acme: a store of type env cannot be written to");
    delete_one("env", "acme");
}
END_TEST

START_TEST(a_program_keeps_secrets)
{
    check_life("exec");
}
END_TEST

START_TEST(a_secret_of_the_largest_size_goes_through_a_program)
{
    char *large = x_zalloc(64 * 1024 + 1);
    memset(large, 'x', 64 * 1024);

    write_one("exec", "large", large);

    check_read("exec", &(struct store_key){.id = "large"}, large);
    free(large);
}
END_TEST

/* What openssl says: printf '%s' NAME | openssl dgst -sha256 -hmac master-key. */
START_TEST(a_derived_secret_depends_on_key_name_and_epoch)
{
    struct store_key key = {.id = "tenant_acme"};

    check_read("master", &key, "29a9b24e3bfbd455051d53310b720bc7c7742b8783e58d37dae2fa9a1ee496f0");
    key.epoch = 1;
    check_read("master", &key, "b64554ea731e7a24d21ac29d3c9625b11bf5c576407695d8735573f5ef03f16c");
    key.id = "tenant_globex";
    check_read("master", &key, "12911f1cead7be735f5926f6b85bb035411b7e2b9ae591f74a1d9e47a00784cf");
    ck_assert(store_derives(provider("master")));
    ck_assert(!store_derives(provider("files")));
}
END_TEST

START_TEST(a_role_has_a_next_password_and_where_it_is_derived_a_former_one)
{
    const struct store_key first = {.id = "role", .epoch = 0};
    const struct store_key key = {.id = "role", .epoch = 7};
    struct store_turned out;

    ck_assert(store_turn(provider("files"), &key, STORE_NEXT, &out));
    ck_assert_str_eq(out.key.id, "role@next");
    ck_assert(!store_turn(provider("files"), &key, STORE_FORMER, &out));
    ck_assert(store_turn(provider("master"), &key, STORE_NEXT, &out));
    ck_assert_uint_eq(out.key.epoch, 8);
    ck_assert_str_eq(out.key.id, "role");
    ck_assert(store_turn(provider("master"), &key, STORE_FORMER, &out));
    ck_assert_uint_eq(out.key.epoch, 6);
    ck_assert(!store_turn(provider("master"), &first, STORE_FORMER, &out));
}
END_TEST

START_TEST(one_field_of_a_value_is_picked)
{
    struct store_key key = {.id = "json", .field = "password"};

    write_one("files", "json", "{\"password\": \"p\\u00e4ss\", \"port\": 5, \"empty\": \"\"}");
    write_one("files", "plain", "no json");

    check_read("files", &key, "päss");
    key.field = "port";
    check_no_read("files", &key, ERR_CONFIG, "its value has no field \"port\" that is a text");
    key.field = "empty";
    check_no_read("files", &key, ERR_CONFIG, "is empty");
    key.id = "plain";
    check_no_read("files", &key, ERR_CONFIG, "not a JSON object");
}
END_TEST

START_TEST(a_password_is_made_once)
{
    struct store_key key = {.id = "role"};
    struct err err = {0};
    bool made;
    char *first = NULL;
    char *again = NULL;

    write_one("files", "other", "x");
    ck_assert_msg(store_ensure(secrets, provider("files"), &key, &first, &made, &err) == 0, "%s",
                  err.text);
    ck_assert(made);
    ck_assert_int_eq(store_ensure(secrets, provider("files"), &key, &again, &made, &err), 0);
    ck_assert(!made);

    ck_assert_uint_eq(strlen(first), STORE_PASSWORD_SIZE - 1);
    ck_assert_str_eq(first, again);
    check_read("files", &key, first);
    secure_free(first);
    secure_free(again);
}
END_TEST

START_TEST(a_reference_of_the_configuration_is_read_from_its_store)
{
    struct config_faults faults = {0};
    const struct config *c = NULL;
    const struct secrets *s = NULL;
    struct buf errors = {0};
    static const char text[] =
        "servers: {main: {}}\n"
        "users: {u: {password: {store: master, id: u}}}\n"
        "secrets: {providers: {master: {type: derive, key: {env: TEST_MASTER}}}}\n";

    ck_assert_int_eq(setenv("TEST_MASTER", "master-key", 1), 0);
    ck_assert_int_eq(config_parse("/etc/t.yaml", slice_str(text), &c, &faults), 0);
    config_faults_fini(&faults);
    ck_assert_int_eq(fetch_secrets(c, &s, &errors), 0);

    ck_assert_uint_eq(strlen(secret_of(s, &c->users[0].password)), 64);
    secrets_unref(s);
    config_unref(c);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("secret.store");
    TCase *tc = tcase_create("store");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_file_is_written_replaced_and_deleted);
    tcase_add_test(tc, a_file_is_closed_to_others_and_nothing_lies_beside_it);
    tcase_add_test(tc, a_folder_that_others_may_write_to_is_refused);
    tcase_add_test(tc, names_that_are_paths_or_no_names_are_refused);
    tcase_add_test(tc, a_variable_is_read_and_cannot_be_written);
    tcase_add_test(tc, a_program_keeps_secrets);
    tcase_add_test(tc, a_secret_of_the_largest_size_goes_through_a_program);
    tcase_add_test(tc, a_derived_secret_depends_on_key_name_and_epoch);
    tcase_add_test(tc, a_role_has_a_next_password_and_where_it_is_derived_a_former_one);
    tcase_add_test(tc, one_field_of_a_value_is_picked);
    tcase_add_test(tc, a_password_is_made_once);
    tcase_add_test(tc, a_reference_of_the_configuration_is_read_from_its_store);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
