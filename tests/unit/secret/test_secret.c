// SPDX-License-Identifier: MIT
//
// secret: each kind of source, and each way that it can fail.
#include "secret/secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "secret/secret_ops.h"
#include "testing.h"

static char folder[64];
static char path[96]; /* of the one file in it */

static void set_up(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/test_secret.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/file", folder);
}

static void tear_down(void)
{
    (void)unlink(path); /* not every test made it */
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const char *bytes, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    ck_assert_int_eq(close(fd), 0);
}

static void check_good(const struct secret_ref *ref, const char *expected)
{
    struct err err = {0};
    char *out = NULL;

    ck_assert_msg(secret_resolve(ref, &out, &err) == 0, "%s", err.text);
    ck_assert_str_eq(out, expected);
    secure_free(out);
}

static void check_bad(const struct secret_ref *ref, const char *text)
{
    struct err err = {0};
    char *out = NULL;

    ck_assert_int_lt(secret_resolve(ref, &out, &err), 0);
    ck_assert_str_eq(err.text, text);
    ck_assert_ptr_null(out);
}

static struct secret_ref file_ref(void)
{
    return (struct secret_ref){.kind = SECRET_FILE, .value = path};
}

/* "file PATH: text" with the path of this test. */
static void check_bad_file(const char *text)
{
    struct secret_ref ref = file_ref();
    char *whole = x_printf("file: %s: %s", path, text);

    check_bad(&ref, whole);
    free(whole);
}

START_TEST(none_is_no_secret_and_no_error)
{
    struct secret_ref ref = {.kind = SECRET_NONE};
    char *out = path;

    ck_assert_int_eq(secret_resolve(&ref, &out, NULL), 0);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(a_text_is_itself)
{
    check_good(&(struct secret_ref){.kind = SECRET_TEXT, .value = "word"}, "word");
}
END_TEST

START_TEST(a_variable_is_read)
{
    ck_assert_int_eq(setenv("TEST_SECRET", "of the environment", 1), 0);
    check_good(&(struct secret_ref){.kind = SECRET_ENV, .value = "TEST_SECRET"},
               "of the environment");
    ck_assert_int_eq(unsetenv("TEST_SECRET"), 0);
}
END_TEST

START_TEST(a_variable_must_be_set_and_filled)
{
    struct secret_ref ref = {.kind = SECRET_ENV, .value = "TEST_SECRET"};

    ck_assert_int_eq(unsetenv("TEST_SECRET"), 0);
    check_bad(&ref, "env: TEST_SECRET: is not set");
    ck_assert_int_eq(setenv("TEST_SECRET", "", 1), 0);
    check_bad(&ref, "env: TEST_SECRET: is empty");
    ck_assert_int_eq(unsetenv("TEST_SECRET"), 0);
}
END_TEST

START_TEST(a_file_loses_one_newline)
{
    struct secret_ref ref = file_ref();

    write_file("a b\n\n", 5, 0600);
    check_good(&ref, "a b\n");
}
END_TEST

START_TEST(a_file_loses_a_newline_of_another_house)
{
    struct secret_ref ref = file_ref();

    write_file("word\r\n", 6, 0600);
    check_good(&ref, "word");
}
END_TEST

START_TEST(a_file_need_not_end_with_a_newline)
{
    struct secret_ref ref = file_ref();

    write_file("word", 4, 0400);
    check_good(&ref, "word");
}
END_TEST

START_TEST(a_file_must_not_be_for_others)
{
    write_file("hunter2", 7, 0604);
    check_bad_file("its mode, 0604, lets others at it: make it 0600, or 0640 where root owns it");
}
END_TEST

START_TEST(a_file_must_not_be_changed_by_its_group)
{
    write_file("hunter2", 7, 0660);
    check_bad_file("its mode, 0660, lets others at it: make it 0600, or 0640 where root owns it");
}
END_TEST

START_TEST(a_group_may_read_a_file_of_root)
{
    struct secret_ref ref = file_ref();

    write_file("word", 4, 0640);
    if (geteuid() == 0) {
        check_good(&ref, "word");
    } else {
        check_bad_file("its mode, 0640, lets others at it: make it 0600, or 0640 where root owns "
                       "it");
    }
}
END_TEST

START_TEST(a_file_must_be_ours_or_roots)
{
    write_file("word", 4, 0600);
    if (geteuid() == 0) { /* only root can give a file away */
        ck_assert_int_eq(chown(path, 12345, 12345), 0);
        check_bad_file("must be owned by the user who runs fahrend, or by root");
    }
}
END_TEST

START_TEST(a_file_must_be_there)
{
    check_bad_file("No such file or directory");
}
END_TEST

START_TEST(a_pipe_is_not_waited_for)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    check_bad_file("is not a regular file");
}
END_TEST

START_TEST(a_file_must_hold_something)
{
    write_file("\n", 1, 0600);
    check_bad_file("is empty");
}
END_TEST

START_TEST(a_file_must_not_hold_a_nul)
{
    write_file("a\0b", 3, 0600);
    check_bad_file("holds a NUL byte");
}
END_TEST

START_TEST(a_file_holds_up_to_the_bound)
{
    struct secret_ref ref = file_ref();
    char *bytes = x_alloc(SECRET_SIZE_MAX + 2);

    memset(bytes, 'x', SECRET_SIZE_MAX + 1);
    bytes[SECRET_SIZE_MAX] = '\n';
    write_file(bytes, SECRET_SIZE_MAX + 1, 0600);
    bytes[SECRET_SIZE_MAX] = '\0';
    check_good(&ref, bytes);
    free(bytes);
}
END_TEST

START_TEST(a_file_beyond_the_bound_is_refused)
{
    char *bytes = x_alloc(2 * SECRET_SIZE_MAX);

    memset(bytes, 'x', 2 * SECRET_SIZE_MAX);
    write_file(bytes, 2 * SECRET_SIZE_MAX, 0600);
    check_bad_file("is longer than 65536 bytes");
    free(bytes);
}
END_TEST

/* What programs get beside the usual variables. */
static const char *const also_names[] = {"TEST_ALSO", "TEST_UNSET"};
static const struct strings also = {.items = also_names, .count = 2};

/* A shell with a script. */
#define SHELL(script)                                                                              \
    (&(struct secret_ref){                                                                         \
        .kind = SECRET_EXEC,                                                                       \
        .variables = &also,                                                                        \
        .argv = {.items = (const char *const[]){"sh", "-c", script}, .count = 3}})

START_TEST(a_program_prints_it)
{
    check_good(SHELL("printf '%s\\n' \"a  b\""), "a  b");
}
END_TEST

START_TEST(a_program_has_nothing_to_read)
{
    check_good(SHELL("cat; echo done"), "done");
}
END_TEST

START_TEST(a_program_has_a_group_of_its_own)
{
    check_good(SHELL("read -r pid name state parent group rest </proc/$$/stat; "
                     "test $group -eq $$ && echo own"),
               "own");
}
END_TEST

START_TEST(a_program_gets_few_of_our_variables)
{
    ck_assert_int_eq(setenv("TEST_SECRET", "hunter2", 1), 0);
    ck_assert_int_eq(setenv("TEST_ALSO", "named", 1), 0);
    ck_assert_int_eq(setenv("TEST_ALSO_NOT", "hunter2", 1), 0);
    ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);

    check_good(SHELL("echo $TEST_SECRET $TEST_ALSO_NOT $TEST_ALSO $TZ"), "named UTC");
    check_good(SHELL("env | grep -cv '^\\(PATH\\|HOME\\|USER\\|LANG\\|LC_ALL\\|TZ\\|TMPDIR\\|"
                     "TEST_ALSO\\|PWD\\|SHLVL\\|OLDPWD\\|_\\)='; true"),
               "0");
    ck_assert_int_eq(unsetenv("TZ"), 0);
}
END_TEST

START_TEST(a_program_must_end_well)
{
    check_bad(SHELL("echo hunter2; exit 3"), "exec: sh: ended with status 3");
    check_bad(SHELL("echo hunter2; kill -TERM $$"), "exec: sh: was ended by signal 15");
}
END_TEST

START_TEST(a_program_must_print_something)
{
    check_bad(SHELL("true"), "exec: sh: is empty");
}
END_TEST

START_TEST(a_program_that_prints_on_is_ended)
{
    check_bad(SHELL("exec yes"), "exec: sh: prints more than 65536 bytes");
}
END_TEST

START_TEST(a_program_must_be_there)
{
    static const char *const argv[] = {"/nonexistent/program"};
    struct secret_ref ref = {
        .kind = SECRET_EXEC, .argv = {.items = argv, .count = 1}, .variables = &also};

    check_bad(&ref, "exec: /nonexistent/program: cannot be started: No such file or directory");
}
END_TEST

static void check_too_long(const char *script)
{
    struct err err = {0};
    struct timespec before;
    struct timespec after;
    char *out = NULL;

    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    struct secret_program program = {
        .argv = SHELL(script)->argv, .variables = &also, .timeout_ms = 100};
    ck_assert_int_eq(secret_program_run(&program, &out, &err), ERR_CONFIG);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);

    ck_assert_str_eq(err.text, "sh: took too long");
    ck_assert_ptr_null(out);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 30);
}

START_TEST(a_program_that_does_not_end_is_ended)
{
    check_too_long("echo hunter2; exec sleep 60");
}
END_TEST

START_TEST(a_program_that_closes_its_output_must_end_too)
{
    check_too_long("echo hunter2; exec >&-; exec sleep 60");
}
END_TEST

START_TEST(a_child_that_keeps_the_output_is_ended)
{
    check_too_long("sleep 60 & echo hunter2");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("secret.secret");
    TCase *tc = tcase_create("secret");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, none_is_no_secret_and_no_error);
    tcase_add_test(tc, a_text_is_itself);
    tcase_add_test(tc, a_variable_is_read);
    tcase_add_test(tc, a_variable_must_be_set_and_filled);
    tcase_add_test(tc, a_file_loses_one_newline);
    tcase_add_test(tc, a_file_loses_a_newline_of_another_house);
    tcase_add_test(tc, a_file_need_not_end_with_a_newline);
    tcase_add_test(tc, a_file_must_not_be_for_others);
    tcase_add_test(tc, a_file_must_not_be_changed_by_its_group);
    tcase_add_test(tc, a_group_may_read_a_file_of_root);
    tcase_add_test(tc, a_file_must_be_ours_or_roots);
    tcase_add_test(tc, a_file_must_be_there);
    tcase_add_test(tc, a_pipe_is_not_waited_for);
    tcase_add_test(tc, a_file_must_hold_something);
    tcase_add_test(tc, a_file_must_not_hold_a_nul);
    tcase_add_test(tc, a_file_holds_up_to_the_bound);
    tcase_add_test(tc, a_file_beyond_the_bound_is_refused);
    tcase_add_test(tc, a_program_prints_it);
    tcase_add_test(tc, a_program_has_nothing_to_read);
    tcase_add_test(tc, a_program_has_a_group_of_its_own);
    tcase_add_test(tc, a_program_gets_few_of_our_variables);
    tcase_add_test(tc, a_program_must_end_well);
    tcase_add_test(tc, a_program_must_print_something);
    tcase_add_test(tc, a_program_that_prints_on_is_ended);
    tcase_add_test(tc, a_program_must_be_there);
    tcase_add_test(tc, a_program_that_does_not_end_is_ended);
    tcase_add_test(tc, a_program_that_closes_its_output_must_end_too);
    tcase_add_test(tc, a_child_that_keeps_the_output_is_ended);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
