// SPDX-License-Identifier: MIT
#include "net/parcel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

static int pair[2];

static void open_pair(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(void)
{
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static int count_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

START_TEST(bytes_and_descriptors_arrive_as_one)
{
    struct parcel sent = {.kind = 'x', .bytes = "abc", .n = 3, .fd_count = 2};
    struct parcel got;
    int ends[2];
    open_pair();
    ck_assert_int_eq(pipe(ends), 0);
    memcpy(sent.fds, ends, sizeof ends);

    ck_assert_int_eq(parcel_send(pair[0], &sent), 0);
    ck_assert_int_eq(parcel_receive(pair[1], &got), 1);

    ck_assert_uint_eq(got.kind, 'x');
    ck_assert_uint_eq(got.n, 3);
    ck_assert_mem_eq(got.bytes, "abc", 3);
    ck_assert_uint_eq(got.fd_count, 2);
    ck_assert_int_eq(fcntl(got.fds[0], F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(write(got.fds[1], "!", 1), 1);
    char c = 0;
    ck_assert_int_eq(read(ends[0], &c, 1), 1);
    ck_assert_int_eq(c, '!');
    for (int i = 0; i < 2; i++) {
        (void)close(got.fds[i]);
        (void)close(ends[i]);
    }
    close_pair();
}
END_TEST

START_TEST(as_many_descriptors_as_there_may_be_arrive)
{
    struct parcel sent = {.kind = 'x', .fd_count = PARCEL_FDS};
    struct parcel got;
    open_pair();
    for (int i = 0; i < PARCEL_FDS; i++) {
        sent.fds[i] = pair[0];
    }

    ck_assert_int_eq(parcel_send(pair[0], &sent), 0);
    ck_assert_int_eq(parcel_receive(pair[1], &got), 1);

    ck_assert_uint_eq(got.fd_count, PARCEL_FDS);
    for (size_t i = 0; i < got.fd_count; i++) {
        (void)close(got.fds[i]);
    }
    close_pair();
}
END_TEST

/* Sends with its own hand what parcel_send would not. */
static void send_raw(size_t n, size_t fd_count)
{
    char bytes[PARCEL_BYTES * 2] = "x";
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * PARCEL_FDS * 2)];
    } control = {0};
    struct iovec part = {bytes, n};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd_count > 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        for (size_t i = 0; i < fd_count; i++) {
            memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &pair[0], sizeof(int));
        }
    }
    ck_assert_int_eq(sendmsg(pair[0], &msg, 0), (ssize_t)n);
}

START_TEST(too_many_bytes_are_an_error_that_keeps_no_descriptor)
{
    struct parcel got;
    open_pair();
    int before = count_open();
    send_raw(PARCEL_BYTES + 2, 3);

    ck_assert_int_eq(parcel_receive(pair[1], &got), -EMSGSIZE);

    ck_assert_uint_eq(got.fd_count, 0);
    ck_assert_int_eq(count_open(), before);
    close_pair();
}
END_TEST

START_TEST(too_many_descriptors_are_an_error_that_keeps_none)
{
    struct parcel got;
    open_pair();
    int before = count_open();
    send_raw(1, PARCEL_FDS + 20);

    ck_assert_int_eq(parcel_receive(pair[1], &got), -EMSGSIZE);

    ck_assert_int_eq(count_open(), before);
    close_pair();
}
END_TEST

START_TEST(nothing_and_the_end_are_told_apart)
{
    struct parcel got;
    open_pair();

    ck_assert_int_eq(parcel_receive(pair[1], &got), -EAGAIN);
    (void)close(pair[0]);
    ck_assert_int_eq(parcel_receive(pair[1], &got), 0);

    (void)close(pair[1]);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("parcel");
    TCase *all = tcase_create("all");

    tcase_add_test(all, bytes_and_descriptors_arrive_as_one);
    tcase_add_test(all, as_many_descriptors_as_there_may_be_arrive);
    tcase_add_test(all, too_many_bytes_are_an_error_that_keeps_no_descriptor);
    tcase_add_test(all, too_many_descriptors_are_an_error_that_keeps_none);
    tcase_add_test(all, nothing_and_the_end_are_told_apart);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
