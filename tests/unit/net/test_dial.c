// SPDX-License-Identifier: MIT
#include "net/dial.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "loops.h"
#include "testing.h"

/* A socket that listens and never accepts: a connection to it is made all the same. */
struct place {
    int fd;
    int port;
};

static struct place listen_somewhere(int backlog)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in4;
    struct place place = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    ck_assert_int_eq(bind(place.fd, (struct sockaddr *)&in4, size), 0);
    ck_assert_int_eq(listen(place.fd, backlog), 0);
    ck_assert_int_eq(getsockname(place.fd, (struct sockaddr *)&in4, &size), 0);
    place.port = ntohs(in4.sin_port);
    return place;
}

/* A port that nobody listens on, and that nobody can take meanwhile. */
static struct place bind_somewhere(void)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in4;
    struct place place = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    ck_assert_int_eq(bind(place.fd, (struct sockaddr *)&in4, size), 0);
    ck_assert_int_eq(getsockname(place.fd, (struct sockaddr *)&in4, &size), 0);
    place.port = ntohs(in4.sin_port);
    return place;
}

/* The answer to one dial. */
struct answer {
    struct loop loop;
    int count;
    int fd;
    struct addr peer;
    const char *host;
    struct err err;
};

static void on_dialled(void *data, const struct dial_result *result)
{
    struct answer *a = data;

    a->count++;
    a->fd = result->fd;
    a->peer = result->peer;
    a->host = result->host;
    if (result->err != NULL) {
        a->err = *result->err;
    }
}

static void begin(struct answer *a)
{
    *a = (struct answer){.fd = -1};
    loops_begin(&a->loop);
}

static struct dial *dial(struct answer *a, const char *const *hosts, size_t count, int port,
                         uint64_t timeout)
{
    struct dial_hosts where = {.names = hosts, .count = count, .port = port};
    return dial_start(&a->loop, &where, timeout, on_dialled, a);
}

static void await(struct answer *a)
{
    loops_until_is(&a->loop, &a->count, 1);
}

/* The loop runs dry: a second callback, or one too late, would be counted. */
static void end(struct answer *a)
{
    int told = a->count;

    if (a->fd >= 0) {
        (void)close(a->fd);
    }
    loops_end(&a->loop);
    ck_assert_int_eq(a->count, told);
}

START_TEST(a_listening_address_answers)
{
    static const char *const hosts[] = {"127.0.0.1"};
    struct answer a;
    struct place place = listen_somewhere(4);
    begin(&a);

    (void)dial(&a, hosts, 1, place.port, 5000);
    await(&a);

    ck_assert_int_ge(a.fd, 0);
    ck_assert_ptr_eq(a.host, hosts[0]);
    ck_assert_int_eq(a.peer.family, AF_INET);
    ck_assert_int_eq(a.peer.port, place.port);
    (void)close(place.fd);
    end(&a);
}
END_TEST

START_TEST(a_name_is_looked_up)
{
    static const char *const hosts[] = {"localhost"};
    struct answer a;
    struct place place = listen_somewhere(4);
    begin(&a);

    (void)dial(&a, hosts, 1, place.port, 5000);
    await(&a);

    ck_assert_int_ge(a.fd, 0);
    (void)close(place.fd);
    end(&a);
}
END_TEST

START_TEST(the_callback_never_comes_before_dial_start_returns)
{
    static const char *const hosts[] = {"/no/such/directory"};
    struct answer a;
    begin(&a);

    (void)dial(&a, hosts, 1, 5432, 5000);

    ck_assert_int_eq(a.count, 0);
    await(&a);
    end(&a);
}
END_TEST

START_TEST(a_refused_connection_names_host_and_port)
{
    static const char *const hosts[] = {"127.0.0.1"};
    struct answer a;
    struct place place = bind_somewhere();
    char text[80];
    begin(&a);

    (void)dial(&a, hosts, 1, place.port, 5000);
    await(&a);

    (void)snprintf(text, sizeof text, "connect 127.0.0.1:%d: connection refused", place.port);
    ck_assert_int_eq(a.fd, -1);
    ck_assert_int_eq(a.err.code, ERR_CONNECTION);
    ck_assert_str_eq(a.err.text, text);
    (void)close(place.fd);
    end(&a);
}
END_TEST

START_TEST(the_next_host_is_tried_when_one_refuses)
{
    static const char *const hosts[] = {"127.0.0.9", "/no/such/directory", "127.0.0.1"};
    struct answer a;
    struct place place = listen_somewhere(4);
    begin(&a);

    (void)dial(&a, hosts, 3, place.port, 5000);
    await(&a);

    ck_assert_int_ge(a.fd, 0);
    ck_assert_ptr_eq(a.host, hosts[2]);
    (void)close(place.fd);
    end(&a);
}
END_TEST

START_TEST(of_several_hosts_the_failure_of_the_last_is_told)
{
    static const char *const hosts[] = {"127.0.0.1", "/no/such/directory"};
    struct answer a;
    struct place place = bind_somewhere();
    begin(&a);

    (void)dial(&a, hosts, 2, place.port, 5000);
    await(&a);

    ck_assert_ptr_nonnull(strstr(a.err.text, "/no/such/directory"));
    ck_assert_ptr_nonnull(strstr(a.err.text, "no such file or directory"));
    (void)close(place.fd);
    end(&a);
}
END_TEST

START_TEST(a_socket_directory_is_dialled_by_its_port)
{
    char dir[] = "/tmp/fahrend-dial-XXXXXX";
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct answer a;
    begin(&a);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(sun.sun_path, sizeof sun.sun_path, "%s/.s.PGSQL.6543", dir);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&sun, sizeof sun), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    const char *const hosts[] = {dir};

    (void)dial(&a, hosts, 1, 6543, 5000);
    await(&a);

    ck_assert_int_ge(a.fd, 0);
    ck_assert_int_eq(a.peer.family, AF_UNIX);
    (void)close(listener);
    (void)unlink(sun.sun_path);
    (void)rmdir(dir);
    end(&a);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused)
{
    char dir[200];
    struct answer a;
    begin(&a);
    memset(dir, 'd', sizeof dir);
    dir[0] = '/';
    dir[sizeof dir - 1] = '\0';
    const char *const hosts[] = {dir};

    (void)dial(&a, hosts, 1, 5432, 5000);
    await(&a);

    ck_assert_int_eq(a.fd, -1);
    ck_assert_ptr_nonnull(strstr(a.err.text, "name too long"));
    end(&a);
}
END_TEST

/* Its label is longer than a label can be: the look-up fails without asking a name server. */
#define NO_HOST "a-label-of-more-than-sixty-three-bytes-which-no-name-server-is-asked-for"

START_TEST(a_name_that_does_not_exist_fails)
{
    static const char *const hosts[] = {NO_HOST};
    struct answer a;
    begin(&a);

    (void)dial(&a, hosts, 1, 5432, 15000);
    await(&a);

    ck_assert_int_eq(a.fd, -1);
    ck_assert_ptr_nonnull(strstr(a.err.text, "look up " NO_HOST ": "));
    end(&a);
}
END_TEST

START_TEST(no_host_at_all_is_a_failure)
{
    struct answer a;
    begin(&a);

    (void)dial(&a, NULL, 0, 5432, 0);
    await(&a);

    ck_assert_int_eq(a.fd, -1);
    ck_assert_str_eq(a.err.text, "connect: no host given");
    end(&a);
}
END_TEST

/* Fills the queue of a socket that never accepts; the kernel then answers no further connect. */
static int fill_queue(struct answer *others, int count, int port)
{
    static const char *const hosts[] = {"127.0.0.1"};
    int made = 0;

    for (int i = 0; i < count; i++) {
        begin(&others[i]);
        (void)dial(&others[i], hosts, 1, port, 100);
        await(&others[i]);
        made += others[i].fd >= 0 ? 1 : 0;
    }
    return made;
}

START_TEST(a_server_that_does_not_answer_times_out)
{
    struct answer others[4];
    struct place place = listen_somewhere(0);

    int made = fill_queue(others, 4, place.port);

    ck_assert_int_lt(made, 4);
    ck_assert_int_eq(others[3].err.code, ERR_CONNECTION);
    ck_assert_ptr_nonnull(strstr(others[3].err.text, "timed out"));
    for (int i = 0; i < 4; i++) {
        end(&others[i]);
    }
    (void)close(place.fd);
}
END_TEST

START_TEST(a_cancelled_dial_says_nothing_and_leaves_nothing)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct answer a;
    struct place place = listen_somewhere(4);
    int before = loops_descriptors();
    begin(&a);

    dial_cancel(dial(&a, hosts, 2, place.port, 5000));
    end(&a);

    ck_assert_int_eq(a.count, 0);
    ck_assert_int_eq(loops_descriptors(), before);
    (void)close(place.fd);
}
END_TEST

/* Cancels after so many turns: somewhere in the look-up, the connect, or between them. */
START_TEST(a_dial_may_be_cancelled_at_any_point)
{
    static const char *const hosts[] = {"127.0.0.1", "/no/such/directory", "localhost"};
    struct answer a;
    struct place place = bind_somewhere();
    begin(&a);

    struct dial *d = dial(&a, hosts, 3, place.port, 5000);
    for (int turn = 0; turn < _i && a.count == 0; turn++) {
        loop_turn(&a.loop, true);
    }
    int told = a.count;
    if (told == 0) {
        dial_cancel(d);
    }
    end(&a);

    ck_assert_int_eq(a.count, told);
    (void)close(place.fd);
}
END_TEST

START_TEST(a_failed_dial_leaves_no_descriptor)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "/no/such/directory"};
    struct answer a;
    struct place place = bind_somewhere();
    int before = loops_descriptors();
    begin(&a);

    (void)dial(&a, hosts, 3, place.port, 5000);
    await(&a);
    end(&a);

    ck_assert_int_eq(a.fd, -1);
    ck_assert_int_eq(loops_descriptors(), before);
    (void)close(place.fd);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("dial");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_listening_address_answers);
    tcase_add_test(all, a_name_is_looked_up);
    tcase_add_test(all, the_callback_never_comes_before_dial_start_returns);
    tcase_add_test(all, a_refused_connection_names_host_and_port);
    tcase_add_test(all, the_next_host_is_tried_when_one_refuses);
    tcase_add_test(all, of_several_hosts_the_failure_of_the_last_is_told);
    tcase_add_test(all, a_socket_directory_is_dialled_by_its_port);
    tcase_add_test(all, a_path_that_is_too_long_is_refused);
    tcase_add_test(all, a_name_that_does_not_exist_fails);
    tcase_add_test(all, no_host_at_all_is_a_failure);
    tcase_add_test(all, a_server_that_does_not_answer_times_out);
    tcase_add_test(all, a_cancelled_dial_says_nothing_and_leaves_nothing);
    tcase_add_loop_test(all, a_dial_may_be_cancelled_at_any_point, 0, 12);
    tcase_add_test(all, a_failed_dial_leaves_no_descriptor);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
