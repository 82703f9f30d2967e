// SPDX-License-Identifier: MIT
#include "peer.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "loops.h"
#include "wire/frame.h"

static void on_poll(uv_poll_t *poll, int status, int events);

static void set_events(struct peer *peer)
{
    int events = (peer->deaf || peer->ended ? 0 : UV_READABLE) |
                 (buf_size(&peer->out) > 0 ? UV_WRITABLE : 0);

    if (events == 0) {
        (void)uv_poll_stop(&peer->poll);
    } else {
        (void)uv_poll_start(&peer->poll, events, on_poll);
    }
}

static void read_all(struct peer *peer)
{
    ssize_t n = recv(peer->fd, buf_reserve(&peer->got, 65536), 65536, 0);

    if (n > 0) {
        buf_commit(&peer->got, (size_t)n);
        if (peer->on_bytes != NULL) {
            peer->on_bytes(peer);
        }
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        peer->ended = true;
        if (!peer->tarries) {
            (void)shutdown(peer->fd, SHUT_WR); /* as a server that hears of the end */
        }
    }
}

static void write_all(struct peer *peer)
{
    struct slice rest = buf_slice(&peer->out);
    ssize_t n = rest.n == 0 ? 0 : send(peer->fd, rest.p, rest.n, MSG_NOSIGNAL);

    if (n > 0) {
        buf_consume(&peer->out, (size_t)n);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        buf_clear(&peer->out); /* what it said last is still to be read */
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct peer *peer = container_of(poll, struct peer, poll);

    if (status < 0 || (events & UV_READABLE) != 0) {
        read_all(peer);
    }
    if ((events & UV_WRITABLE) != 0) {
        write_all(peer);
    }
    set_events(peer);
}

struct peer *peer_new(struct loop *loop, int fd)
{
    struct peer *peer = x_zalloc(sizeof *peer);

    peer->loop = loop;
    peer->fd = fd;
    list_init(&peer->node);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
    ck_assert_int_eq(uv_poll_init(&loop->uv, &peer->poll, fd), 0);
    set_events(peer);
    return peer;
}

struct peer *peer_pair(struct loop *loop, int *other)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *other = fds[1];
    return peer_new(loop, fds[0]);
}

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = container_of(handle, struct peer, poll);

    buf_release(&peer->got);
    buf_release(&peer->out);
    buf_release(&peer->body);
    free(peer);
}

void peer_drop(struct peer *peer)
{
    list_remove(&peer->node);
    uv_close((uv_handle_t *)&peer->poll, on_closed);
    (void)close(peer->fd);
}

void peer_close(struct peer *peer)
{
    struct slice left = buf_slice(&peer->got);

    ck_assert_msg(left.n == 0, "%zu bytes came that were not expected, the first '%c' (0x%02x)",
                  left.n, left.p[0], left.p[0]);
    peer_drop(peer);
}

void peer_send(struct peer *peer, struct slice bytes)
{
    buf_append_slice(&peer->out, bytes);
    write_all(peer);
    set_events(peer);
}

void peer_send_buf(struct peer *peer, struct buf *bytes)
{
    peer_send(peer, buf_slice(bytes));
    buf_release(bytes);
}

void peer_set_deaf(struct peer *peer, bool deaf)
{
    peer->deaf = deaf;
    set_events(peer);
}

struct amount {
    struct peer *peer;
    size_t n;
};

static bool is_there(void *data)
{
    const struct amount *amount = data;

    return buf_size(&amount->peer->got) >= amount->n || amount->peer->ended;
}

void peer_await(struct peer *peer, size_t n)
{
    struct amount amount = {.peer = peer, .n = n};

    loops_until(peer->loop, is_there, &amount, "bytes for a peer");
    ck_assert_msg(buf_size(&peer->got) >= n, "a peer waits for %zu bytes: closed after %u", n,
                  buf_size(&peer->got));
}

struct slice peer_take_bytes(struct peer *peer, size_t n)
{
    peer_await(peer, n);
    buf_clear(&peer->body);
    buf_append(&peer->body, buf_slice(&peer->got).p, n);
    buf_consume(&peer->got, n);
    return buf_slice(&peer->body);
}

struct slice peer_take_untyped(struct peer *peer)
{
    peer_await(peer, 4);
    uint32_t size = be32_read(buf_slice(&peer->got).p);
    ck_assert_uint_ge(size, 4);
    return slice_from(peer_take_bytes(peer, size), 4);
}

void peer_expect_bytes(struct peer *peer, struct slice bytes)
{
    ck_assert_msg(slice_eq(peer_take_bytes(peer, bytes.n), bytes), "other bytes were expected");
}

struct slice peer_take(struct peer *peer, char type)
{
    struct frame frame;

    peer_await(peer, FRAME_HEADER);
    ck_assert_int_eq(frame_peek(buf_slice(&peer->got), &frame), FRAME_OK);
    ck_assert_msg(frame.type == (uint8_t)type, "message '%c' came, '%c' was expected", frame.type,
                  type);
    return slice_from(peer_take_bytes(peer, frame.size), FRAME_HEADER);
}

void peer_expect(struct peer *peer, const char *types)
{
    for (const char *at = types; *at != '\0'; at++) {
        struct slice body = peer_take(peer, *at);
        if (*at == 'Z') {
            at++;
            ck_assert_msg(body.n == 1 && body.p[0] == (uint8_t)*at, "status '%c' came, not '%c'",
                          body.n == 1 ? body.p[0] : '?', *at);
        }
    }
}

static bool has_ended(void *data)
{
    return ((struct peer *)data)->ended;
}

void peer_expect_end(struct peer *peer)
{
    loops_until(peer->loop, has_ended, peer, "the end of a connection");
    struct slice left = buf_slice(&peer->got);
    ck_assert_msg(left.n == 0, "%zu bytes came before the end, the first '%c' (0x%02x)", left.n,
                  left.n > 0 ? left.p[0] : '-', left.n > 0 ? left.p[0] : 0);
}
