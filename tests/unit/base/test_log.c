// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

START_TEST(the_same_line_is_counted_and_told_before_the_next)
{
    begin();
    for (int i = 0; i < 5; i++) {
        log_warning("the same");
    }
    log_info("another");
    const char *text = end();

    ck_assert_int_eq(count(text, "the same"), 1);
    const char *told = strstr(text, "WARNING last message repeated times=4\n");
    ck_assert_ptr_nonnull(told);
    ck_assert_ptr_nonnull(strstr(told, "INFO another"));
}
END_TEST

START_TEST(what_is_left_to_tell_is_told_at_the_end)
{
    begin();
    log_warning("once");
    for (int i = 0; i < 1501; i++) {
        log_warning("on and on");
    }
    const char *text = end();

    ck_assert_int_eq(count(text, "on and on"), 1);
    ck_assert_ptr_nonnull(strstr(text, "last message repeated times=1500\n"));
}
END_TEST

START_TEST(the_same_line_is_written_again_when_it_comes_later)
{
    begin();
    log_warning("now and then");
    double until = now() + 6;
    while (now() < until) { /* as clients do that fail all the time */
        (void)usleep(20000);
        log_warning("now and then");
    }
    const char *text = end();

    ck_assert_int_eq(count(text, "now and then"), 2);
    ck_assert_int_eq(count(text, "last message repeated times="), 2);
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
    tcase_add_test(all, the_same_line_is_counted_and_told_before_the_next);
    tcase_add_test(all, what_is_left_to_tell_is_told_at_the_end);
    tcase_add_test(all, the_same_line_is_written_again_when_it_comes_later);
    tcase_add_test(all, a_reader_that_stands_still_stops_neither_a_line_nor_the_end);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
