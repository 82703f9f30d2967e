// SPDX-License-Identifier: MIT
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/call.h"

/* What TLS handshakes may take of one turn before the rest of them waits for the next one. */
#define SHAKING_BUDGET 3000000 /* ns */

static void on_events(struct watch *watch, int events);

static void poll_events(struct conn *conn, int events)
{
    watch_set(&conn->watch, &conn->loop->poller, events);
}

static void on_watch_closed(struct watch *watch, int events)
{
    struct conn *conn = container_of(watch, struct conn, watch);

    (void)events;
    conn->ops->on_closed(conn);
}

int conn_open(struct conn *conn, struct loop *loop, int fd, const struct conn_ops *ops)
{
    *conn = (struct conn){.loop = loop, .ops = ops};
    return watch_start(&conn->watch, &loop->poller, fd, WATCH_READABLE, on_events);
}

/* ---- TLS ---- */

/* Bytes are left inside, of which no event of the socket tells. */
static void on_again(struct work *work)
{
    struct conn *conn = container_of(work, struct tls, again)->conn;

    if (!conn->paused) {
        conn->ops->on_readable(conn);
    }
}

static void attach_tls(struct conn *conn, struct tls *tls)
{
    conn->tls = tls;
    if (tls != NULL) {
        tls->conn = conn;
        work_init(&tls->again, on_again);
    }
}

/* After a read, or when bytes are wanted again. */
static void follow_tls(struct conn *conn)
{
    if (conn->tls->more) {
        loop_defer_next(conn->loop, &conn->tls->again);
    } else if (conn->tls->read_waits) {
        poll_events(conn, conn->watch.events | WATCH_WRITABLE);
    }
}

/* A step of the handshake. One for which the turn has no time left stays polled as it is: the next
 * turn finds it ready again. */
static void shake(struct conn *conn)
{
    struct err err = {0};

    if (conn->loop->shaken >= SHAKING_BUDGET) {
        return;
    }
    uint64_t begun = uv_hrtime();
    int rc = tls_handshake(conn->tls, &err);
    conn->loop->shaken += uv_hrtime() - begun;
    if (rc == UV_EAGAIN) {
        poll_events(conn, conn->tls->wants_write ? WATCH_WRITABLE : WATCH_READABLE);
        return;
    }
    poll_events(conn, WATCH_READABLE);
    if (rc < 0) {
        conn->ops->on_secured(conn, &err);
        return;
    }
    conn->tls->more = SSL_has_pending(conn->tls->ssl) == 1;
    follow_tls(conn);
    conn->ops->on_secured(conn, NULL);
}

int conn_start_tls(struct conn *conn, const struct tls_start *start)
{
    assert(conn->tls == NULL && !conn_blocked(conn));
    struct tls *tls = tls_new(start, conn->watch.fd);
    if (tls == NULL) {
        return UV_ENOMEM;
    }
    attach_tls(conn, tls);
    conn->paused = false;
    poll_events(conn, tls->wants_write ? WATCH_WRITABLE : WATCH_READABLE);
    return 0;
}

/* ---- events ---- */

static ssize_t write_socket(struct conn *conn, struct iovec *pieces, int count);

int conn_adopt(struct conn *conn, struct loop *loop, struct conn_socket socket,
               const struct conn_ops *ops)
{
    int rc = conn_open(conn, loop, socket.fd, ops);

    if (rc == 0 && socket.tls != NULL) {
        attach_tls(conn, socket.tls);
        follow_tls(conn);
    }
    return rc;
}

/* Writes what was kept; tells the owner when all of it is gone. A failed socket is left to the next
 * read. */
static void flush_kept(struct conn *conn)
{
    struct slice kept = buf_slice(&conn->out);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)kept.p, .iov_len = kept.n};
    ssize_t n = write_socket(conn, &piece, 1);

    if (n < 0) {
        if (n != UV_EAGAIN) {
            buf_release(&conn->out);
            conn->broken = true;
            poll_events(conn, conn->watch.events & ~WATCH_WRITABLE);
            conn_resume(conn);
        }
        return;
    }
    buf_consume(&conn->out, (size_t)n);
    if (!conn_blocked(conn)) {
        buf_release(&conn->out);
        poll_events(conn, conn->watch.events & ~WATCH_WRITABLE);
        conn->ops->on_drained(conn);
    }
}

/* Nobody wants the bytes now; whether the peer is still there may matter all the same. */
static void watch_peer(struct conn *conn, bool left)
{
    poll_events(conn, (conn->watch.events & WATCH_WRITABLE) | (left ? 0 : WATCH_LEFT));
    if (left && conn->ops->on_deserted != NULL) {
        conn->ops->on_deserted(conn);
    }
}

/* With TLS a read may wait until the socket can be written, and the reverse. */
static int swap_waits(struct conn *conn, int events)
{
    int all = events;

    if (conn->tls->read_waits && (events & WATCH_WRITABLE) != 0) {
        conn->tls->read_waits = false;
        poll_events(conn, (conn_blocked(conn) ? WATCH_WRITABLE : 0) | WATCH_READABLE);
        all |= WATCH_READABLE;
    }
    if (conn->tls->write_waits && (events & WATCH_READABLE) != 0) {
        all |= WATCH_WRITABLE;
    }
    return all;
}

/* An error of the socket is told as "readable", wanted or not: the reads that follow give what was
 * received before it, then the error. */
static void on_events(struct watch *watch, int events)
{
    struct conn *conn = container_of(watch, struct conn, watch);

    if (conn->closing) {
        return;
    }
    if (conn->tls != NULL && conn->tls->shaking) {
        shake(conn);
        return;
    }
    if ((events & WATCH_FAILED) != 0) {
        events = WATCH_READABLE;
        conn->paused = false;
    }
    if (conn->tls != NULL) {
        events = swap_waits(conn, events);
    }
    if ((events & WATCH_WRITABLE) != 0 && conn_blocked(conn)) {
        flush_kept(conn);
    }
    if (conn->closing || (events & (WATCH_READABLE | WATCH_LEFT)) == 0) {
        return;
    }
    if (conn->paused && !conn->broken) {
        watch_peer(conn, (events & WATCH_LEFT) != 0);
    } else {
        conn->ops->on_readable(conn);
    }
}

static ssize_t read_socket(struct conn *conn, uint8_t *p, size_t n)
{
    ssize_t got;

    if (conn->tls != NULL) {
        got = tls_read(conn->tls, p, n);
        follow_tls(conn);
        return got;
    }
    do {
        got = call_recv(conn->watch.fd, p, n, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int conn_peek(struct conn *conn)
{
    uint8_t first;
    ssize_t got = recv(conn->watch.fd, &first, 1, MSG_PEEK);

    return got > 0 ? first : got == 0 ? UV_EOF : -errno;
}

ssize_t conn_look(struct conn *conn, const struct buf *in, struct slice *view)
{
    struct slice kept = buf_slice(in);
    uint8_t *p = conn->loop->scratch;

    assert(conn->tls == NULL && kept.n <= LIMIT_SCRATCH);
    if (kept.n > 0) {
        memcpy(p, kept.p, kept.n);
    }
    ssize_t got = recv(conn->watch.fd, p + kept.n, LIMIT_SCRATCH, MSG_PEEK);
    *view = slice_of(p, kept.n + (size_t)(got > 0 ? got : 0));
    return got < 0 ? -errno : got;
}

void conn_skip(struct conn *conn, size_t n)
{
    uint8_t gone[512];

    while (n > 0) {
        ssize_t got = recv(conn->watch.fd, gone, n < sizeof gone ? n : sizeof gone, 0);
        if (got <= 0) {
            return; /* the next read finds out */
        }
        n -= (size_t)got;
    }
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

void conn_keep_secret(struct conn *conn, struct buf *in, struct slice view, size_t consumed)
{
    struct buf rest = {0};

    buf_append_slice(&rest, slice_from(view, consumed));
    conn_wipe(conn, view);
    buf_release_secret(in);
    *in = rest;
}

void conn_wipe(struct conn *conn, struct slice view)
{
    if (view.p == conn->loop->scratch) {
        secure_zero(conn->loop->scratch, view.n);
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

static ssize_t write_tls(struct conn *conn, struct iovec *pieces, int count)
{
    if (conn->loop->record == NULL) {
        conn->loop->record = x_alloc(TLS_RECORD);
    }
    return tls_write(conn->tls, pieces, count, conn->loop->record);
}

static ssize_t write_socket(struct conn *conn, struct iovec *pieces, int count)
{
    ssize_t n;

    if (conn->tls != NULL) {
        return write_tls(conn, pieces, count);
    }
    do {
        if (count == 1) {
            n = call_send(conn->watch.fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
            n = sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL);
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
    poll_events(conn, conn->watch.events | WATCH_WRITABLE);
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
    if (!conn->closing && (conn->watch.events & WATCH_READABLE) == 0) {
        poll_events(conn, (conn->watch.events & WATCH_WRITABLE) | WATCH_READABLE);
    }
    if (conn->tls != NULL && !conn->closing) {
        follow_tls(conn);
    }
}

static void close_watch(struct conn *conn)
{
    conn->closing = true;
    buf_release(&conn->out);
    watch_close(&conn->watch, &conn->loop->poller, on_watch_closed);
}

/* Bytes left unread would make the kernel answer with a reset, which can overtake our last words.
 */
static void drain_and_close(int fd)
{
    uint8_t waste[8192];

    for (int i = 0; i < 16 && recv(fd, waste, sizeof waste, MSG_DONTWAIT) > 0; i++) {
    }
    (void)close(fd);
}

void conn_close(struct conn *conn)
{
    if (conn->closing) {
        return;
    }
    if (conn->tls != NULL && !conn_blocked(conn)) {
        tls_shutdown(conn->tls);
    }
    tls_free(conn->tls);
    conn->tls = NULL;
    close_watch(conn);
    drain_and_close(conn->watch.fd);
    conn->watch.fd = -1;
}

struct conn_socket conn_detach(struct conn *conn)
{
    struct conn_socket socket = {.fd = conn->watch.fd, .tls = conn->tls};

    assert(!conn->closing && !conn_blocked(conn));
    if (socket.tls != NULL) {
        assert(!socket.tls->shaking);
        list_remove(&socket.tls->again.node);
    }
    close_watch(conn);
    conn->watch.fd = -1;
    conn->tls = NULL;
    return socket;
}

void conn_socket_close(struct conn_socket socket)
{
    tls_free(socket.tls);
    (void)close(socket.fd);
}
