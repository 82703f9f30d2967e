// SPDX-License-Identifier: MIT
#include "net/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "loops.h"
#include "testing.h"

/* A listener and who came to it. */
struct door {
    struct loop loop;
    struct listener listener;
    int came;
    int refused;
    struct addr last;
    int fds[64];
};

static void on_client(struct listener *listener, int fd, const struct addr *peer, bool refuse)
{
    struct door *door = listener->data;

    door->refused += refuse ? 1 : 0;
    door->last = *peer;
    door->fds[door->came++] = fd;
}

static int port_of(int fd)
{
    struct sockaddr_in in4;
    socklen_t size = sizeof in4;

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in4, &size), 0);
    return ntohs(in4.sin_port);
}

static int begin(struct door *door)
{
    struct err err = {0};
    int fd = -1;

    *door = (struct door){0};
    loops_begin(&door->loop);
    ck_assert_msg(listen_open_tcp("127.0.0.1", 0, NULL, &fd, 1, &err) == 1, "%s", err.text);
    ck_assert_int_eq(listener_start(&door->listener, &door->loop, fd, on_client, door), 0);
    return port_of(fd);
}

static void end(struct door *door)
{
    listener_close(&door->listener);
    for (int i = 0; i < door->came; i++) {
        (void)close(door->fds[i]);
    }
    loops_end(&door->loop);
}

static int connect_to(int port)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in4, sizeof in4), 0);
    return fd;
}

START_TEST(a_client_comes_with_its_address)
{
    struct door door;
    int port = begin(&door);

    int fd = connect_to(port);
    loops_until_is(&door.loop, &door.came, 1);

    ck_assert_int_eq(door.last.family, AF_INET);
    ck_assert_int_eq(door.last.port, port_of(fd));
    ck_assert_int_eq(door.refused, 0);
    (void)close(fd);
    end(&door);
}
END_TEST

START_TEST(a_clients_descriptor_does_not_block)
{
    struct door door;
    int port = begin(&door);

    int fd = connect_to(port);
    loops_until_is(&door.loop, &door.came, 1);

    ck_assert_int_ne(fcntl(door.fds[0], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(door.fds[0], F_GETFD) & FD_CLOEXEC, 0);
    (void)close(fd);
    end(&door);
}
END_TEST

START_TEST(of_a_storm_only_so_many_are_taken_at_once_and_the_rest_right_after)
{
    struct door door;
    int port = begin(&door);
    int clients[LISTEN_ACCEPTS + 5];
    const int count = LISTEN_ACCEPTS + 5;

    for (int i = 0; i < count; i++) {
        clients[i] = connect_to(port);
    }
    loops_until_is(&door.loop, &door.came, 1);
    ck_assert_int_eq(door.came, LISTEN_ACCEPTS);
    loops_until_is(&door.loop, &door.came, count);

    for (int i = 0; i < count; i++) {
        (void)close(clients[i]);
    }
    end(&door);
}
END_TEST

START_TEST(a_closed_listener_refuses_and_closes_once)
{
    struct door door;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    in4.sin_port = htons((uint16_t)begin(&door));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    listener_close(&door.listener);
    listener_close(&door.listener);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in4, sizeof in4), -1);
    (void)close(fd);
    end(&door);
}
END_TEST

START_TEST(two_workers_can_listen_on_one_port)
{
    struct err err = {0};
    int first = -1;
    int second = -1;

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, NULL, &first, 1, &err), 1);

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", port_of(first), NULL, &second, 1, &err), 1);
    (void)close(first);
    (void)close(second);
}
END_TEST

START_TEST(a_star_listens_on_every_family_there_is)
{
    struct err err = {0};
    int fds[2] = {-1, -1};
    int first = -1;

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, NULL, &first, 1, &err), 1);
    int count = listen_open_tcp("*", port_of(first), NULL, fds, 2, &err);

    ck_assert_int_ge(count, 1);
    for (int i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
    (void)close(first);
}
END_TEST

START_TEST(an_address_in_use_is_an_error_that_names_it)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct err err = {0};
    char text[64];
    int fds[2];
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* without SO_REUSEPORT */
    ck_assert_int_eq(bind(taken, (struct sockaddr *)&in4, sizeof in4), 0);
    ck_assert_int_eq(listen(taken, 1), 0);
    int port = port_of(taken);

    int rc = listen_open_tcp("127.0.0.1", port, NULL, fds, 2, &err);

    (void)snprintf(text, sizeof text, "listen on 127.0.0.1:%d: Address already in use", port);
    ck_assert_int_eq(rc, UV_EADDRINUSE);
    ck_assert_str_eq(err.text, text);
    (void)close(taken);
}
END_TEST

/* Its label is longer than a label can be: the look-up fails without asking a name server. */
#define NO_HOST "a-label-of-more-than-sixty-three-bytes-which-no-name-server-is-asked-for"

START_TEST(an_unknown_name_is_an_error)
{
    struct err err = {0};
    int fds[2];

    ck_assert_int_lt(listen_open_tcp(NO_HOST, 0, NULL, fds, 2, &err), 0);

    ck_assert_ptr_nonnull(strstr(err.text, "listen on " NO_HOST));
}
END_TEST

/* A directory of its own for each case. */
struct folder {
    char dir[40];
    struct sockaddr_un sun;
};

static void make_folder(struct folder *folder)
{
    *folder = (struct folder){.dir = "/tmp/fahrend-listen-XXXXXX", .sun.sun_family = AF_UNIX};
    ck_assert_ptr_nonnull(mkdtemp(folder->dir));
    (void)snprintf(folder->sun.sun_path, sizeof folder->sun.sun_path, "%s/.s.PGSQL.6432",
                   folder->dir);
}

static void remove_folder(const struct folder *folder)
{
    (void)unlink(folder->sun.sun_path);
    ck_assert_int_eq(rmdir(folder->dir), 0);
}

static int connect_unix(const struct folder *folder)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&folder->sun, sizeof folder->sun), 0);
    return fd;
}

START_TEST(a_unix_socket_is_open_to_everybody)
{
    struct folder folder;
    struct err err = {0};
    struct stat st;
    make_folder(&folder);

    int fd = listen_open_unix(folder.dir, 6432, NULL, &err);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(stat(folder.sun.sun_path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0777);
    (void)close(connect_unix(&folder));
    (void)close(fd);
    remove_folder(&folder);
}
END_TEST

START_TEST(a_socket_file_that_a_dead_process_left_is_replaced)
{
    struct folder folder;
    struct err err = {0};
    make_folder(&folder);
    (void)close(listen_open_unix(folder.dir, 6432, NULL, &err));
    ck_assert_int_eq(access(folder.sun.sun_path, F_OK), 0);

    int fd = listen_open_unix(folder.dir, 6432, NULL, &err);

    ck_assert_int_ge(fd, 0);
    (void)close(connect_unix(&folder));
    (void)close(fd);
    remove_folder(&folder);
}
END_TEST

START_TEST(the_socket_of_a_living_process_is_left_alone)
{
    struct folder folder;
    struct err err = {0};
    make_folder(&folder);
    int fd = listen_open_unix(folder.dir, 6432, NULL, &err);

    ck_assert_int_eq(listen_open_unix(folder.dir, 6432, NULL, &err), UV_EADDRINUSE);

    ck_assert_ptr_nonnull(strstr(err.text, "another server is running there"));
    (void)close(connect_unix(&folder));
    (void)close(fd);
    remove_folder(&folder);
}
END_TEST

START_TEST(a_directory_whose_name_is_too_long_is_an_error)
{
    struct err err = {0};
    char dir[150];
    memset(dir, 'd', sizeof dir);
    dir[0] = '/';
    dir[sizeof dir - 1] = '\0';

    ck_assert_int_eq(listen_open_unix(dir, 6432, NULL, &err), UV_ENAMETOOLONG);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_an_error)
{
    struct err err = {0};

    ck_assert_int_eq(listen_open_unix("/no/such/directory", 6432, NULL, &err), UV_ENOENT);

    ck_assert_ptr_nonnull(strstr(err.text, "/no/such/directory/.s.PGSQL.6432"));
}
END_TEST

static void expect_client(int fd)
{
    int client = accept(fd, NULL, NULL);

    ck_assert_int_ge(client, 0);
    (void)close(client);
}

START_TEST(a_socket_of_the_stock_serves_in_the_place_of_a_new_one)
{
    struct listen_stock stock = {0};
    struct err err = {0};
    int old;
    int fds[2];
    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, NULL, &old, 1, &err), 1);
    int waiting = connect_to(port_of(old));
    listen_stock_add(&stock, old);

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", port_of(old), &stock, fds, 2, &err), 1);

    ck_assert_int_eq(fds[0], old);
    ck_assert_uint_eq(stock.count, 0);
    expect_client(fds[0]);
    (void)close(waiting);
    (void)close(old);
    listen_stock_close(&stock);
}
END_TEST

START_TEST(a_socket_of_another_port_stays_in_the_stock)
{
    struct listen_stock stock = {0};
    struct err err = {0};
    int old;
    int fd;
    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, NULL, &old, 1, &err), 1);
    listen_stock_add(&stock, old);

    ck_assert_int_eq(listen_open_tcp("127.0.0.1", 0, &stock, &fd, 1, &err), 1);

    ck_assert_int_ne(fd, old);
    ck_assert_uint_eq(stock.count, 1);
    ck_assert_int_eq(listen_stock_take_like(&stock, fd), -1);
    (void)close(fd);
    listen_stock_close(&stock);
}
END_TEST

START_TEST(a_unix_socket_of_the_stock_is_not_another_servers)
{
    struct listen_stock stock = {0};
    struct folder folder;
    struct err err = {0};
    make_folder(&folder);
    int old = listen_open_unix(folder.dir, 6432, NULL, &err);
    int waiting = connect_unix(&folder);
    listen_stock_add(&stock, old);

    int fd = listen_open_unix(folder.dir, 6432, &stock, &err);

    ck_assert_int_eq(fd, old);
    expect_client(fd);
    (void)close(waiting);
    (void)close(fd);
    listen_stock_close(&stock);
    remove_folder(&folder);
}
END_TEST

START_TEST(who_waits_in_the_queue_is_taken_before_a_close)
{
    struct door door;
    int port = begin(&door);
    int clients[LISTEN_ACCEPTS + 5];
    for (int i = 0; i < LISTEN_ACCEPTS + 5; i++) {
        clients[i] = connect_to(port);
    }

    listener_empty(&door.listener);

    ck_assert_int_eq(door.came, LISTEN_ACCEPTS + 5);
    for (int i = 0; i < LISTEN_ACCEPTS + 5; i++) {
        (void)close(clients[i]);
    }
    end(&door);
}
END_TEST

/* Lets this process have not one descriptor more than it has. */
static void close_the_tap(rlim_t *before)
{
    struct rlimit limit;
    int next = dup(0);

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    *before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)next;
    (void)close(next);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void open_the_tap(rlim_t before)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(without_descriptors_a_client_is_told_and_the_next_are_served_again)
{
    struct door door;
    rlim_t before;
    int port = begin(&door);
    int fd = connect_to(port);

    close_the_tap(&before);
    loops_until_is(&door.loop, &door.refused, 1);
    ck_assert_int_eq(door.came, 1);
    (void)close(door.fds[0]); /* as the owner does at once */
    open_the_tap(before);
    door.came = 0;
    int next = connect_to(port);
    loops_until_is(&door.loop, &door.came, 1);

    ck_assert_int_eq(door.refused, 1);
    (void)close(fd);
    (void)close(next);
    end(&door);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("listen");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_client_comes_with_its_address);
    tcase_add_test(all, a_clients_descriptor_does_not_block);
    tcase_add_test(all, of_a_storm_only_so_many_are_taken_at_once_and_the_rest_right_after);
    tcase_add_test(all, a_closed_listener_refuses_and_closes_once);
    tcase_add_test(all, two_workers_can_listen_on_one_port);
    tcase_add_test(all, a_star_listens_on_every_family_there_is);
    tcase_add_test(all, an_address_in_use_is_an_error_that_names_it);
    tcase_add_test(all, an_unknown_name_is_an_error);
    tcase_add_test(all, a_unix_socket_is_open_to_everybody);
    tcase_add_test(all, a_socket_file_that_a_dead_process_left_is_replaced);
    tcase_add_test(all, the_socket_of_a_living_process_is_left_alone);
    tcase_add_test(all, a_directory_whose_name_is_too_long_is_an_error);
    tcase_add_test(all, a_directory_that_is_not_there_is_an_error);
    tcase_add_test(all, a_socket_of_the_stock_serves_in_the_place_of_a_new_one);
    tcase_add_test(all, a_socket_of_another_port_stays_in_the_stock);
    tcase_add_test(all, a_unix_socket_of_the_stock_is_not_another_servers);
    tcase_add_test(all, who_waits_in_the_queue_is_taken_before_a_close);
    tcase_add_test(all, without_descriptors_a_client_is_told_and_the_next_are_served_again);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
