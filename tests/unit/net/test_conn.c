// SPDX-License-Identifier: MIT
#include "net/conn.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loops.h"
#include "peer.h"
#include "testing.h"

/* A connection whose owner takes everything, or what the test says. */
struct probe {
    struct loop loop;
    struct conn conn;
    struct peer *peer;
    struct buf in;
    struct buf got;  /* what was consumed */
    size_t multiple; /* bytes are consumed in whole units of so many; the rest is kept */
    int readable;
    int drained;
    int closed;
    int deserted;
    ssize_t last; /* what conn_pull returned */
    bool ended;
};

static void on_readable(struct conn *conn)
{
    struct probe *p = container_of(conn, struct probe, conn);
    struct slice view;

    p->readable++;
    p->last = conn_pull(conn, &p->in, &view);
    if (p->last == UV_EAGAIN) {
        return;
    }
    if (p->last <= 0) {
        p->ended = true;
        conn_close(conn);
        return;
    }
    size_t take = view.n - view.n % p->multiple;
    buf_append(&p->got, view.p, take);
    conn_keep(&p->in, view, take);
}

static void on_drained(struct conn *conn)
{
    container_of(conn, struct probe, conn)->drained++;
}

static void on_closed(struct conn *conn)
{
    container_of(conn, struct probe, conn)->closed++;
}

static void on_deserted(struct conn *conn)
{
    container_of(conn, struct probe, conn)->deserted++;
}

static const struct conn_ops ops = {
    .on_readable = on_readable,
    .on_drained = on_drained,
    .on_closed = on_closed,
    .on_deserted = on_deserted,
};

static void begin(struct probe *p)
{
    int fd;

    *p = (struct probe){.multiple = 1};
    loops_begin(&p->loop);
    p->peer = peer_pair(&p->loop, &fd);
    ck_assert_int_eq(conn_open(&p->conn, &p->loop, fd, &ops), 0);
}

/* The peer is closed by the case, or here. */
static void end(struct probe *p)
{
    conn_close(&p->conn);
    loops_until_is(&p->loop, &p->closed, 1);
    if (p->peer != NULL) {
        peer_close(p->peer);
    }
    buf_release(&p->in);
    buf_release(&p->got);
    loop_run(&p->loop);
    ck_assert_int_eq(p->closed, 1);
    loops_end(&p->loop);
}

struct enough {
    const struct buf *buf;
    size_t n;
};

static bool is_enough(void *data)
{
    const struct enough *enough = data;

    return buf_size(enough->buf) >= enough->n;
}

static void until_got(struct probe *p, size_t n)
{
    struct enough enough = {.buf = &p->got, .n = n};

    loops_until(&p->loop, is_enough, &enough, "bytes at the connection");
}

/* n bytes of which none is like its neighbour. */
static struct buf pattern(size_t n)
{
    struct buf bytes = {0};
    uint8_t *p = buf_reserve(&bytes, n);

    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 7 + i / 251);
    }
    buf_commit(&bytes, n);
    return bytes;
}

START_TEST(bytes_that_come_are_pulled)
{
    struct probe p;
    begin(&p);

    peer_send(p.peer, slice_str("hello"));
    until_got(&p, 5);

    ck_assert_slice_str(buf_slice(&p.got), "hello");
    end(&p);
}
END_TEST

START_TEST(all_consumed_leaves_no_memory)
{
    struct probe p;
    begin(&p);

    peer_send(p.peer, slice_str("hello"));
    until_got(&p, 5);

    ck_assert_ptr_null(p.in.p);
    end(&p);
}
END_TEST

START_TEST(what_was_kept_stands_before_what_comes)
{
    struct probe p;
    begin(&p);
    p.multiple = 4;

    peer_send(p.peer, slice_str("abcdef"));
    until_got(&p, 4);
    ck_assert_slice_str(buf_slice(&p.in), "ef");
    peer_send(p.peer, slice_str("gh"));
    until_got(&p, 8);

    ck_assert_slice_str(buf_slice(&p.got), "abcdefgh");
    end(&p);
}
END_TEST

START_TEST(more_than_the_scratch_buffer_can_be_kept)
{
    struct probe p;
    struct buf bytes = pattern(500000);
    begin(&p);
    p.multiple = 250000;

    peer_send(p.peer, buf_slice(&bytes));
    until_got(&p, 500000);

    ck_assert(slice_eq(buf_slice(&p.got), buf_slice(&bytes)));
    ck_assert_ptr_null(p.in.p);
    buf_release(&bytes);
    end(&p);
}
END_TEST

START_TEST(the_end_of_the_stream_is_pulled_as_zero)
{
    struct probe p;
    begin(&p);

    peer_close(p.peer);
    p.peer = NULL;
    loops_until_true(&p.loop, &p.ended);

    ck_assert_int_eq(p.last, 0);
    end(&p);
}
END_TEST

START_TEST(bytes_before_the_end_are_not_lost)
{
    struct probe p;
    begin(&p);

    peer_send(p.peer, slice_str("last words"));
    peer_close(p.peer);
    p.peer = NULL;
    loops_until_true(&p.loop, &p.ended);

    ck_assert_slice_str(buf_slice(&p.got), "last words");
    end(&p);
}
END_TEST

START_TEST(pieces_are_sent_in_order)
{
    struct probe p;
    begin(&p);
    struct iovec pieces[] = {{(void *)(uintptr_t) "one ", 4}, {(void *)(uintptr_t) "two", 3}};

    ck_assert_int_eq(conn_send(&p.conn, pieces, 2), 0);

    peer_expect_bytes(p.peer, slice_str("one two"));
    end(&p);
}
END_TEST

START_TEST(what_the_socket_does_not_take_is_kept_and_sent_later)
{
    struct probe p;
    struct buf bytes = pattern(8 << 20);
    begin(&p);
    peer_set_deaf(p.peer, true);

    int rc = conn_send_slice(&p.conn, buf_slice(&bytes));
    ck_assert_int_eq(rc, 1);
    ck_assert(conn_blocked(&p.conn));
    ck_assert_int_eq(conn_send_slice(&p.conn, slice_str("behind it")), 1);
    peer_set_deaf(p.peer, false);
    loops_until_is(&p.loop, &p.drained, 1);

    ck_assert(!conn_blocked(&p.conn));
    ck_assert_ptr_null(p.conn.out.p);
    peer_expect_bytes(p.peer, buf_slice(&bytes));
    peer_expect_bytes(p.peer, slice_str("behind it"));
    buf_release(&bytes);
    end(&p);
}
END_TEST

START_TEST(pieces_cut_in_the_middle_arrive_whole)
{
    struct probe p;
    struct buf first = pattern(3 << 20);
    struct buf second = pattern(2 << 20);
    begin(&p);
    peer_set_deaf(p.peer, true);
    struct iovec pieces[] = {{first.p, first.len}, {second.p, second.len}};

    ck_assert_int_eq(conn_send(&p.conn, pieces, 2), 1);
    peer_set_deaf(p.peer, false);

    peer_expect_bytes(p.peer, buf_slice(&first));
    peer_expect_bytes(p.peer, buf_slice(&second));
    ck_assert_int_eq(p.drained, 1);
    buf_release(&first);
    buf_release(&second);
    end(&p);
}
END_TEST

/* The answer to the second message proves that the loop has been at the socket since the first. */
START_TEST(a_paused_connection_reads_nothing)
{
    struct probe p;
    struct probe other;
    begin(&p);
    int fd;
    other = (struct probe){.multiple = 1};
    other.peer = peer_pair(&p.loop, &fd);
    ck_assert_int_eq(conn_open(&other.conn, &p.loop, fd, &ops), 0);

    conn_pause(&p.conn);
    peer_send(p.peer, slice_str("unread"));
    for (int i = 1; i <= 3; i++) {
        peer_send(other.peer, slice_str("x"));
        struct enough enough = {.buf = &other.got, .n = (size_t)i};
        loops_until(&p.loop, is_enough, &enough, "bytes at the other connection");
    }

    ck_assert_int_eq(p.readable, 0);
    conn_close(&other.conn);
    loops_until_is(&p.loop, &other.closed, 1);
    peer_close(other.peer);
    buf_release(&other.got);
    end(&p);
}
END_TEST

START_TEST(a_resumed_connection_reads_what_is_already_there)
{
    struct probe p;
    begin(&p);

    conn_pause(&p.conn);
    peer_send(p.peer, slice_str("waited"));
    loop_turn(&p.loop, true); /* the event that nobody wants changes the polling */
    ck_assert_uint_eq(p.conn.watch.events & WATCH_READABLE, 0);
    conn_resume(&p.conn);
    until_got(&p, 6);

    ck_assert_slice_str(buf_slice(&p.got), "waited");
    end(&p);
}
END_TEST

START_TEST(a_peer_that_leaves_a_paused_connection_is_told_once)
{
    struct probe p;
    begin(&p);
    conn_pause(&p.conn);
    peer_send(p.peer, slice_str("unread"));

    peer_close(p.peer);
    p.peer = NULL;
    loops_until_is(&p.loop, &p.deserted, 1);
    ck_assert_int_eq(p.readable, 0);
    ck_assert_uint_eq(p.conn.watch.events, 0); /* and the loop is not kept busy with it */

    conn_resume(&p.conn);
    loops_until_true(&p.loop, &p.ended);
    ck_assert_slice_str(buf_slice(&p.got), "unread");
    ck_assert_int_eq(p.deserted, 1);
    end(&p);
}
END_TEST

START_TEST(a_peer_that_leaves_before_anything_was_unread_is_told_too)
{
    struct probe p;
    begin(&p);
    conn_pause(&p.conn);

    peer_close(p.peer);
    p.peer = NULL;
    loops_until_is(&p.loop, &p.deserted, 1);

    end(&p);
}
END_TEST

START_TEST(closing_twice_tells_the_owner_once)
{
    struct probe p;
    begin(&p);

    conn_close(&p.conn);
    conn_close(&p.conn);
    loops_until_is(&p.loop, &p.closed, 1);
    peer_expect_end(p.peer);

    end(&p);
}
END_TEST

START_TEST(nothing_can_be_sent_after_closing)
{
    struct probe p;
    begin(&p);

    conn_close(&p.conn);

    ck_assert_int_eq(conn_send_slice(&p.conn, slice_str("late")), UV_ECANCELED);
    end(&p);
}
END_TEST

START_TEST(a_peer_that_has_gone_makes_sending_fail)
{
    struct probe p;
    begin(&p);

    peer_close(p.peer);
    p.peer = NULL;
    int rc = conn_send_slice(&p.conn, slice_str("to nobody"));

    ck_assert_int_eq(rc, UV_EPIPE);
    end(&p);
}
END_TEST

START_TEST(a_peer_that_goes_while_bytes_are_kept_is_found_by_the_next_read)
{
    struct probe p;
    struct buf bytes = pattern(8 << 20);
    begin(&p);
    peer_set_deaf(p.peer, true);
    ck_assert_int_eq(conn_send_slice(&p.conn, buf_slice(&bytes)), 1);
    conn_pause(&p.conn);

    peer_drop(p.peer);
    p.peer = NULL;
    loops_until_true(&p.loop, &p.ended);

    ck_assert_int_eq(p.drained, 0);
    buf_release(&bytes);
    end(&p);
}
END_TEST

/* Two TCP sockets: only there a reset can overtake what was sent. */
static void tcp_pair(int *a, int *b)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in4;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&in4, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&in4, &size), 0);
    *a = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(*a, (struct sockaddr *)&in4, size), 0);
    *b = accept(listener, NULL, NULL);
    ck_assert_int_ge(*b, 0);
    ck_assert_int_eq(fcntl(*b, F_SETFL, O_NONBLOCK), 0);
    (void)close(listener);
}

START_TEST(last_words_arrive_though_bytes_of_the_peer_were_never_read)
{
    struct probe p = {.multiple = 1};
    int near;
    int far;
    loops_begin(&p.loop);
    tcp_pair(&far, &near);
    p.peer = peer_new(&p.loop, far);
    ck_assert_int_eq(conn_open(&p.conn, &p.loop, near, &ops), 0);

    peer_send(p.peer, slice_str("a question that is not read"));
    ck_assert_int_eq(conn_send_slice(&p.conn, slice_str("farewell")), 0);
    conn_close(&p.conn);

    peer_expect_bytes(p.peer, slice_str("farewell"));
    peer_expect_end(p.peer);
    end(&p);
}
END_TEST

/* The kernel reports the reset while bytes are still queued before it. */
START_TEST(bytes_before_a_reset_are_read_and_then_the_reset)
{
    struct probe p = {.multiple = 1};
    struct buf bytes = pattern(40000);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    int near;
    int far;
    loops_begin(&p.loop);
    tcp_pair(&far, &near);
    ck_assert_int_eq(send(far, bytes.p, bytes.len, 0), 40000);
    ck_assert_int_eq(setsockopt(far, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    (void)close(far);
    ck_assert_int_eq(conn_open(&p.conn, &p.loop, near, &ops), 0);

    loops_until_true(&p.loop, &p.ended);

    ck_assert_int_eq(p.last, UV_ECONNRESET);
    ck_assert(slice_eq(buf_slice(&p.got), buf_slice(&bytes)));
    buf_release(&bytes);
    end(&p);
}
END_TEST

START_TEST(a_detached_socket_lives_on)
{
    struct probe p;
    begin(&p);

    int fd = conn_detach(&p.conn).fd;
    loops_until_is(&p.loop, &p.closed, 1);
    ck_assert_int_eq(write(fd, "still here", 10), 10);

    peer_expect_bytes(p.peer, slice_str("still here"));
    (void)close(fd);
    end(&p);
}
END_TEST

START_TEST(a_detached_socket_can_be_opened_on_another_loop)
{
    struct probe p;
    struct probe q = {.multiple = 1};
    begin(&p);
    loops_begin(&q.loop);

    int fd = conn_detach(&p.conn).fd;
    loops_until_is(&p.loop, &p.closed, 1);
    ck_assert_int_eq(conn_open(&q.conn, &q.loop, fd, &ops), 0);
    peer_send(p.peer, slice_str("moved"));
    until_got(&q, 5);

    ck_assert_slice_str(buf_slice(&q.got), "moved");
    end(&p);
    end(&q);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_polled_stays_the_callers)
{
    struct probe p = {0};
    loops_begin(&p.loop);
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    ck_assert_int_lt(conn_open(&p.conn, &p.loop, fd, &ops), 0);

    ck_assert_int_eq(close(fd), 0);
    loops_end(&p.loop);
}
END_TEST

/* A second connection on the loop of the first, whose peer sends without end. */
struct stream {
    struct conn conn;
    int other;    /* the peer's end */
    int pulls;    /* in this turn */
    ssize_t most; /* bytes that one pull has taken */
    bool closed;
};

static void on_stream(struct conn *conn)
{
    struct stream *stream = container_of(conn, struct stream, conn);
    struct buf in = {0};
    struct slice view;

    stream->pulls++;
    ssize_t got = conn_pull(conn, &in, &view);
    stream->most = got > stream->most ? got : stream->most;
    conn_keep(&in, view, view.n);
}

static void on_stream_closed(struct conn *conn)
{
    container_of(conn, struct stream, conn)->closed = true;
}

static const struct conn_ops stream_ops = {.on_readable = on_stream, .on_closed = on_stream_closed};

static void fill(int fd)
{
    static const uint8_t much[LIMIT_SCRATCH];

    while (write(fd, much, sizeof much) > 0) {
    }
}

START_TEST(a_stream_delays_another_connection_by_one_scratch_buffer)
{
    struct probe p;
    struct stream stream = {0};
    int fds[2];
    int size = 16 * LIMIT_SCRATCH;
    begin(&p);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    (void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    stream.other = fds[1];
    ck_assert_int_eq(conn_open(&stream.conn, &p.loop, fds[0], &stream_ops), 0);

    for (int i = 1; i <= 8; i++) {
        fill(stream.other); /* more than a turn takes is always there */
        peer_send(p.peer, slice_str("q"));
        stream.pulls = 0;
        loop_turn(&p.loop, true);
        ck_assert_int_le(stream.pulls, 1);
        ck_assert_uint_eq(buf_size(&p.got), (size_t)i);
    }

    ck_assert_int_gt(stream.most, 0);
    ck_assert_int_le(stream.most, LIMIT_SCRATCH);
    conn_close(&stream.conn);
    loops_until_true(&p.loop, &stream.closed);
    (void)close(stream.other);
    end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("conn");
    TCase *all = tcase_create("all");

    tcase_add_test(all, bytes_that_come_are_pulled);
    tcase_add_test(all, all_consumed_leaves_no_memory);
    tcase_add_test(all, what_was_kept_stands_before_what_comes);
    tcase_add_test(all, more_than_the_scratch_buffer_can_be_kept);
    tcase_add_test(all, the_end_of_the_stream_is_pulled_as_zero);
    tcase_add_test(all, bytes_before_the_end_are_not_lost);
    tcase_add_test(all, pieces_are_sent_in_order);
    tcase_add_test(all, what_the_socket_does_not_take_is_kept_and_sent_later);
    tcase_add_test(all, pieces_cut_in_the_middle_arrive_whole);
    tcase_add_test(all, a_paused_connection_reads_nothing);
    tcase_add_test(all, a_resumed_connection_reads_what_is_already_there);
    tcase_add_test(all, a_peer_that_leaves_a_paused_connection_is_told_once);
    tcase_add_test(all, a_peer_that_leaves_before_anything_was_unread_is_told_too);
    tcase_add_test(all, closing_twice_tells_the_owner_once);
    tcase_add_test(all, nothing_can_be_sent_after_closing);
    tcase_add_test(all, a_peer_that_has_gone_makes_sending_fail);
    tcase_add_test(all, a_peer_that_goes_while_bytes_are_kept_is_found_by_the_next_read);
    tcase_add_test(all, last_words_arrive_though_bytes_of_the_peer_were_never_read);
    tcase_add_test(all, bytes_before_a_reset_are_read_and_then_the_reset);
    tcase_add_test(all, a_detached_socket_lives_on);
    tcase_add_test(all, a_detached_socket_can_be_opened_on_another_loop);
    tcase_add_test(all, a_descriptor_that_cannot_be_polled_stays_the_callers);
    tcase_add_test(all, a_stream_delays_another_connection_by_one_scratch_buffer);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
