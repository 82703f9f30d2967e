// SPDX-License-Identifier: MIT
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_poll(uv_poll_t *poll, int status, int events);

/* Polls for what is wanted; libuv tells the kernel before it waits next. */
static void poll_events(struct conn *conn, int events)
{
    conn->events = (uint8_t)events;
    if (events == 0) {
        (void)uv_poll_stop(&conn->poll);
    } else {
        (void)uv_poll_start(&conn->poll, events, on_poll);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct conn *conn = container_of(handle, struct conn, poll);

    conn->ops->on_closed(conn);
}

int conn_open(struct conn *conn, struct loop *loop, int fd, const struct conn_ops *ops)
{
    *conn = (struct conn){.loop = loop, .ops = ops, .fd = fd};
    int rc = uv_poll_init(&loop->uv, &conn->poll, fd);
    if (rc < 0) {
        return rc;
    }
    poll_events(conn, UV_READABLE);
    return 0;
}

/* Writes what was kept; tells the owner when all of it is gone. A failed socket is left to the next
 * read. */
static void flush_kept(struct conn *conn)
{
    struct slice kept = buf_slice(&conn->out);
    ssize_t n = send(conn->fd, kept.p, kept.n, MSG_NOSIGNAL);

    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            buf_release(&conn->out);
            conn->broken = true;
            poll_events(conn, conn->events & ~UV_WRITABLE);
            conn_resume(conn);
        }
        return;
    }
    buf_consume(&conn->out, (size_t)n);
    if (!conn_blocked(conn)) {
        buf_release(&conn->out);
        poll_events(conn, conn->events & ~UV_WRITABLE);
        conn->ops->on_drained(conn);
    }
}

/* Nobody wants the bytes now; whether the peer is still there may matter all the same. */
static void watch_peer(struct conn *conn, bool left)
{
    poll_events(conn, (conn->events & UV_WRITABLE) | (left ? 0 : UV_DISCONNECT));
    if (left && conn->ops->on_deserted != NULL) {
        conn->ops->on_deserted(conn);
    }
}

/* An error of the socket comes as "readable": the reads that follow give what was received before
 * it, then the error. libuv stops to poll when it reports one. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *conn = container_of(poll, struct conn, poll);

    if (conn->closing) {
        return;
    }
    if (status < 0) {
        poll_events(conn, conn->events | UV_READABLE);
        events = UV_READABLE;
        conn->paused = false;
    }
    if ((events & UV_WRITABLE) != 0 && conn_blocked(conn)) {
        flush_kept(conn);
    }
    if (conn->closing || (events & (UV_READABLE | UV_DISCONNECT)) == 0) {
        return;
    }
    if (conn->paused && !conn->broken) {
        watch_peer(conn, (events & UV_DISCONNECT) != 0);
    } else {
        conn->ops->on_readable(conn);
    }
}

static ssize_t read_socket(struct conn *conn, uint8_t *p, size_t n)
{
    ssize_t got;

    do {
        got = recv(conn->fd, p, n, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

ssize_t conn_pull(struct conn *conn, struct buf *in, struct slice *view)
{
    size_t kept = buf_size(in);
    ssize_t got;

    if (kept <= LIMIT_SCRATCH) {
        if (kept > 0) {
            memcpy(conn->loop->scratch, buf_slice(in).p, kept);
        }
        got = read_socket(conn, conn->loop->scratch + kept, LIMIT_SCRATCH);
        *view = slice_of(conn->loop->scratch, kept + (size_t)(got > 0 ? got : 0));
    } else {
        got = read_socket(conn, buf_reserve(in, LIMIT_SCRATCH), LIMIT_SCRATCH);
        buf_commit(in, (size_t)(got > 0 ? got : 0));
        *view = buf_slice(in);
    }
    return got;
}

void conn_keep(struct buf *in, struct slice view, size_t consumed)
{
    assert(consumed <= view.n);
    if (consumed == view.n) {
        buf_release(in);
    } else if (in->p != NULL && view.p == in->p + in->off) {
        buf_consume(in, consumed);
    } else {
        buf_clear(in);
        buf_append_slice(in, slice_from(view, consumed));
    }
}

/* Keeps what is behind the first n bytes of the pieces. */
static void keep_rest(struct conn *conn, const struct iovec *pieces, int count, size_t n)
{
    for (int i = 0; i < count; i++) {
        size_t skip = n < pieces[i].iov_len ? n : pieces[i].iov_len;
        n -= skip;
        buf_append(&conn->out, (const uint8_t *)pieces[i].iov_base + skip,
                   pieces[i].iov_len - skip);
    }
}

static ssize_t write_socket(struct conn *conn, struct iovec *pieces, int count)
{
    ssize_t n;

    do {
        if (count == 1) {
            n = send(conn->fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
            n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
        }
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int conn_send(struct conn *conn, struct iovec *pieces, int count)
{
    size_t total = 0;

    if (conn->closing) {
        return UV_ECANCELED;
    }
    for (int i = 0; i < count; i++) {
        total += pieces[i].iov_len;
    }
    if (conn_blocked(conn)) {
        keep_rest(conn, pieces, count, 0);
        return 1;
    }
    ssize_t n = write_socket(conn, pieces, count);
    if (n < 0 && n != UV_EAGAIN) {
        conn->broken = true;
        return (int)n;
    }
    n = n < 0 ? 0 : n;
    if ((size_t)n == total) {
        return 0;
    }
    keep_rest(conn, pieces, count, (size_t)n);
    poll_events(conn, conn->events | UV_WRITABLE);
    return 1;
}

int conn_send_slice(struct conn *conn, struct slice bytes)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};

    return bytes.n == 0 ? 0 : conn_send(conn, &piece, 1);
}

void conn_resume(struct conn *conn)
{
    conn->paused = false;
    if (!conn->closing && (conn->events & UV_READABLE) == 0) {
        poll_events(conn, (conn->events & UV_WRITABLE) | UV_READABLE);
    }
}

static void close_handle(struct conn *conn)
{
    conn->closing = true;
    buf_release(&conn->out);
    uv_close((uv_handle_t *)&conn->poll, on_handle_closed);
}

/* Bytes left unread would make the kernel answer with a reset, which can overtake our last words.
 */
static void drain_and_close(int fd)
{
    uint8_t waste[8192];

    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < 16 && recv(fd, waste, sizeof waste, MSG_DONTWAIT) > 0; i++) {
    }
    (void)close(fd);
}

void conn_close(struct conn *conn)
{
    if (conn->closing) {
        return;
    }
    close_handle(conn);
    drain_and_close(conn->fd);
    conn->fd = -1;
}

int conn_detach(struct conn *conn)
{
    int fd = conn->fd;

    assert(!conn->closing && !conn_blocked(conn));
    close_handle(conn);
    conn->fd = -1;
    return fd;
}
