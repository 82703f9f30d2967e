// SPDX-License-Identifier: MIT
#include "ctl/target.h"

#include <stdio.h>
#include <unistd.h>

#include "testing.h"

static char path[] = "/tmp/fahrenctl-test-XXXXXX";
static struct target target;
static struct buf faults;

static void write_file(const char *text)
{
    FILE *f;

    (void)snprintf(path, sizeof path, "/tmp/fahrenctl-test-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "w");
    (void)fputs(text, f);
    (void)fclose(f);
}

static void tear_down(void)
{
    target_fini(&target);
    target = (struct target){.host = NULL};
    buf_release(&faults);
    (void)unlink(path);
}

static int find(const struct options *options)
{
    struct err err;

    return target_find(options, &target, &faults, &err);
}

#define FILE_TEXT                                                                                  \
    "listen: {address: ['*', '10.0.0.1'], port: 7000}\n"                                           \
    "servers: {main: {host: 127.0.0.1}}\n"                                                         \
    "users:\n"                                                                                     \
    "  boss: {password: secret}\n"                                                                 \
    "  watcher: {password: {env: FAHRENCTL_TEST}}\n"                                               \
    "  proven: {password: 'md5e807f1fcf82d132f9bb018ca6738a19f'}\n"                                \
    "admin: {database: steering, users: [boss], stats_users: [watcher, proven]}\n"

START_TEST(a_file_says_where_and_as_whom)
{
    write_file(FILE_TEXT);

    ck_assert_int_eq(find(&(struct options){.file = path}), 0);
    ck_assert_str_eq(target.host, "127.0.0.1");
    ck_assert_str_eq(target.port, "7000");
    ck_assert_str_eq(target.user, "boss");
    ck_assert_str_eq(target.database, "steering");
    ck_assert_str_eq(target.password, "secret");
}
END_TEST

START_TEST(the_command_line_goes_before_the_file)
{
    write_file(FILE_TEXT);
    (void)setenv("FAHRENCTL_TEST", "from outside", 1);

    struct options options = {.file = path, .host = "db", .port = "7", .user = "watcher"};
    ck_assert_int_eq(find(&options), 0);
    ck_assert_str_eq(target.host, "db");
    ck_assert_str_eq(target.port, "7");
    ck_assert_str_eq(target.user, "watcher");
    ck_assert_str_eq(target.password, "from outside");
}
END_TEST

START_TEST(a_verifier_is_no_password)
{
    write_file(FILE_TEXT);

    ck_assert_int_eq(find(&(struct options){.file = path, .user = "proven"}), 0);
    ck_assert_ptr_null(target.password);
}
END_TEST

START_TEST(a_password_may_lie_in_a_file)
{
    char text[300];
    char secret[] = "/tmp/fahrenctl-secret-XXXXXX";
    int fd = mkstemp(secret);

    ck_assert_int_eq(write(fd, "in a file\n", 10), 10);
    (void)close(fd);
    (void)snprintf(text, sizeof text,
                   "servers: {main: {host: 127.0.0.1}}\n"
                   "users: {admin: {password: {file: '%s'}}}\nadmin: {users: [admin]}\n",
                   secret);
    write_file(text);
    ck_assert_int_eq(find(&(struct options){.file = path}), 0);
    (void)unlink(secret);

    ck_assert_str_eq(target.password, "in a file");
}
END_TEST

START_TEST(without_an_address_the_socket_is_used)
{
    write_file("listen: {address: [], unix_dir: /run/somewhere}\n"
               "servers: {main: {host: 127.0.0.1}}\n");

    ck_assert_int_eq(find(&(struct options){.file = path}), 0);
    ck_assert_str_eq(target.host, "/run/somewhere");
    ck_assert_str_eq(target.user, "admin");
}
END_TEST

START_TEST(a_bad_file_is_told_with_its_faults)
{
    write_file("nonsense: 1\n");

    ck_assert_int_eq(find(&(struct options){.file = path}), ERR_CONFIG);
    ck_assert_uint_gt(buf_size(&faults), 0);
}
END_TEST

START_TEST(defaults_are_fahrends)
{
    ck_assert_int_eq(find(&(struct options){.host = "db"}), 0);
    ck_assert_str_eq(target.port, "6432");
    ck_assert_str_eq(target.user, "admin");
    ck_assert_str_eq(target.database, "fahrend");
    ck_assert_ptr_null(target.password);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("target");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, a_file_says_where_and_as_whom);
    tcase_add_test(tc, the_command_line_goes_before_the_file);
    tcase_add_test(tc, a_verifier_is_no_password);
    tcase_add_test(tc, a_password_may_lie_in_a_file);
    tcase_add_test(tc, without_an_address_the_socket_is_used);
    tcase_add_test(tc, a_bad_file_is_told_with_its_faults);
    tcase_add_test(tc, defaults_are_fahrends);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
