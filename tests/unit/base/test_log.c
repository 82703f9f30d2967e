// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log_limit.h"
#include "testing.h"

static int ends[2]; /* of the pipe that is stderr meanwhile */
static int kept;    /* the real one */

static void begin(void)
{
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    kept = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    (void)close(ends[1]);
    log_configure(LOG_INFO, false);
    log_start();
}

/* Ends the log and returns what was written. */
static const char *end(void)
{
    static char text[65536];
    size_t n = 0;
    ssize_t got;

    log_stop();
    ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
    (void)close(kept);
    while ((got = read(ends[0], text + n, sizeof text - 1 - n)) > 0) {
        n += (size_t)got;
    }
    text[n] = '\0';
    (void)close(ends[0]);
    return text;
}

static int count(const char *text, const char *what)
{
    int n = 0;

    while ((text = strstr(text, what)) != NULL) {
        n++;
        text++;
    }
    return n;
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(a_line_has_its_level_and_no_bytes_of_control)
{
    begin();
    log_warning("peer says \"%s\"", "a\nb");
    const char *text = end();

    ck_assert_ptr_nonnull(strstr(text, "Z WARNING peer says \"a\\x0ab\"\n"));
}
END_TEST

START_TEST(in_json_what_is_quoted_stays_quoted)
{
    begin();
    log_configure(LOG_INFO, true);
    log_error("reason=\"%s\"", "x\\");
    const char *text = end();

    ck_assert_ptr_nonnull(
        strstr(text, "\"level\":\"ERROR\",\"message\":\"reason=\\\"x\\\\\\\"\"}\n"));
}
END_TEST

START_TEST(what_is_below_the_level_is_not_written)
{
    begin();
    log_debug("not %s", "this");
    const char *text = end();

    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(of_one_kind_the_first_are_written_and_the_rest_is_told)
{
    begin();
    for (int i = 0; i < 25; i++) {
        log_warning("server is away host=%d", i);
    }
    log_info("another");
    const char *text = end();

    ck_assert_int_eq(count(text, "server is away host="), LOG_LIMIT_BURST);
    ck_assert_ptr_nonnull(strstr(text, "INFO another\n"));
    ck_assert_ptr_nonnull(strstr(text, "WARNING server is away repeated 15 times\n"));
}
END_TEST

START_TEST(a_tenant_that_makes_noise_hides_no_other)
{
    struct log_origin noisy = {.client = 7, .tenant = "acme"};
    struct log_origin other = {.client = 8, .tenant = "globex"};
    begin();
    for (int i = 0; i < 12; i++) {
        log_about(LOG_INFO, &noisy, "client closed reason=%d", i);
    }
    log_about(LOG_INFO, &other, "client closed reason=%d", 99);
    const char *text = end();

    ck_assert_int_eq(count(text, "client closed id=7 tenant=acme reason="), LOG_LIMIT_BURST);
    ck_assert_int_eq(count(text, "client closed id=8 tenant=globex reason=99\n"), 1);
    ck_assert_ptr_nonnull(strstr(text, "INFO client closed tenant=acme repeated 2 times\n"));
}
END_TEST

START_TEST(what_was_not_written_is_told_within_seconds_though_nothing_follows)
{
    begin();
    for (int i = 0; i < 11; i++) {
        log_warning("now and then");
    }
    char text[4096] = "";
    size_t n = 0;
    double until = now() + 15;
    while (strstr(text, "now and then repeated 1 times") == NULL && now() < until) {
        ssize_t got = read(ends[0], text + n, sizeof text - 1 - n);
        ck_assert_int_gt((int)got, 0);
        n += (size_t)got;
        text[n] = '\0';
    }
    (void)end();

    ck_assert_ptr_nonnull(strstr(text, "WARNING now and then repeated 1 times\n"));
}
END_TEST

START_TEST(what_has_no_words_of_its_own_is_never_hidden)
{
    begin();
    for (int i = 0; i < 50; i++) {
        log_error("%s%d", "fault ", i);
    }
    const char *text = end();

    ck_assert_int_eq(count(text, "ERROR fault "), 50);
}
END_TEST

START_TEST(an_origin_stands_behind_the_first_words)
{
    struct log_origin origin = {.connection = 130,
                                .pid = 42,
                                .tenant = "acme",
                                .server = "main",
                                .database = "app",
                                .role = "app\n"};
    begin();
    log_about(LOG_WARNING, &origin, "server connection failed reason=\"%s\"", "gone");
    const char *text = end();

    ck_assert_ptr_nonnull(
        strstr(text, "WARNING server connection failed connection=130 pid=42 tenant=acme "
                     "server=main database=app role=app\\x0a reason=\"gone\"\n"));
}
END_TEST

START_TEST(in_json_an_origin_is_made_of_fields)
{
    struct log_origin origin = {.client = 129, .tenant = "acme", .server = "ma\"in"};
    begin();
    log_configure(LOG_INFO, true);
    log_about(LOG_INFO, &origin, "client closed");
    const char *text = end();

    ck_assert_ptr_nonnull(strstr(text, "\"level\":\"INFO\",\"id\":129,\"tenant\":\"acme\","
                                       "\"server\":\"ma\\\"in\",\"message\":\"client closed "));
}
END_TEST

START_TEST(a_tenants_own_level_goes_before_that_of_the_log)
{
    struct log_origin verbose = {.tenant = "acme", .level = LOG_DEBUG + 1};
    struct log_origin quiet = {.tenant = "globex", .level = LOG_ERROR + 1};
    begin();
    for (int i = 0; i < 50; i++) {
        log_about(LOG_DEBUG, &verbose, "step n=%d", i);
    }
    log_about(LOG_WARNING, &quiet, "not this");
    const char *text = end();

    ck_assert_int_eq(count(text, "DEBUG step tenant=acme n="), 50);
    ck_assert_ptr_null(strstr(text, "not this"));
}
END_TEST

START_TEST(a_line_too_long_is_cut_and_stays_json)
{
    char names[3000];
    memset(names, 1, sizeof names - 1);
    names[sizeof names - 1] = '\0';
    struct log_origin origin = {.tenant = names, .server = names, .database = names};
    begin();
    log_configure(LOG_INFO, true);
    log_about(LOG_INFO, &origin, "client closed reason=%s", names);
    const char *text = end();

    ck_assert_ptr_null(strstr(text, "\"tenant\":"));
    ck_assert_str_eq(text + strlen(text) - 3, "\"}\n");
}
END_TEST

START_TEST(a_reader_that_stands_still_stops_neither_a_line_nor_the_end)
{
    char filler[1000];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    begin();
    double started = now();

    for (int i = 0; i < 2000; i++) { /* more than the pipe and the ring hold */
        log_info("%d %s", i, filler);
    }
    double written = now();
    const char *text = end();

    ck_assert_double_lt(written - started, 1.0);
    ck_assert_double_lt(now() - written, 5.0);
    ck_assert_ptr_nonnull(strstr(text, "INFO 0 xxx"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_line_has_its_level_and_no_bytes_of_control);
    tcase_add_test(all, in_json_what_is_quoted_stays_quoted);
    tcase_add_test(all, what_is_below_the_level_is_not_written);
    tcase_add_test(all, of_one_kind_the_first_are_written_and_the_rest_is_told);
    tcase_add_test(all, a_tenant_that_makes_noise_hides_no_other);
    tcase_add_test(all, what_was_not_written_is_told_within_seconds_though_nothing_follows);
    tcase_add_test(all, what_has_no_words_of_its_own_is_never_hidden);
    tcase_add_test(all, an_origin_stands_behind_the_first_words);
    tcase_add_test(all, in_json_an_origin_is_made_of_fields);
    tcase_add_test(all, a_tenants_own_level_goes_before_that_of_the_log);
    tcase_add_test(all, a_line_too_long_is_cut_and_stays_json);
    tcase_add_test(all, a_reader_that_stands_still_stops_neither_a_line_nor_the_end);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
