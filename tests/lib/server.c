// SPDX-License-Identifier: MIT
#include "server.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "loops.h"
#include "wire/build.h"
#include "wire/cursor.h"

void server_build_greeting(struct buf *out, uint32_t pid)
{
    char key[16];

    (void)snprintf(key, sizeof key, "k%03u", pid % 1000);
    build_auth(out, WIRE_AUTH_OK, SLICE_EMPTY);
    build_parameter_status(out, slice_str("server_version"), slice_str("15.3"));
    build_parameter_status(out, slice_str("client_encoding"), slice_str("UTF8"));
    build_parameter_status(out, slice_str("TimeZone"), slice_str("Etc/UTC"));
    build_backend_key(out, pid, slice_str(key));
    build_ready(out, 'I');
}

/* The port of a peer serves as the process id of its server. */
static uint32_t pid_of(const struct peer *peer)
{
    struct sockaddr_in in4 = {0};
    socklen_t size = sizeof in4;

    (void)getpeername(peer->fd, (struct sockaddr *)&in4, &size);
    return ntohs(in4.sin_port);
}

static void send_greeting(struct peer *peer)
{
    struct buf out = {0};

    server_build_greeting(&out, pid_of(peer));
    peer_send_buf(peer, &out);
}

struct peer *server_greet(struct peer *peer)
{
    (void)peer_take_untyped(peer);
    send_greeting(peer);
    return peer;
}

/* Requests of 8 and 16 bytes are for encryption and for cancelling: the test's to play. */
static void on_startup(struct peer *peer)
{
    struct slice got = buf_slice(&peer->got);

    if (got.n < 4 || got.n < be32_read(got.p)) {
        return;
    }
    peer->on_bytes = NULL;
    if (got.n > 16) {
        buf_consume(&peer->got, be32_read(got.p));
        send_greeting(peer);
    }
}

static void accept_one(struct server *server)
{
    int on = 1;
    int fd = accept(server->fd, NULL, NULL);

    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct peer *peer = peer_new(server->loop, fd);
    peer->on_bytes = server->greets ? on_startup : NULL;
    list_push_tail(&server->peers, &peer->node);
    server->next[server->accepted++ % 64] = peer;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)events;
    if (status == 0) {
        accept_one(poll->data);
    }
}

/* A socket bound to the port, or to one of the kernel's choice where that is 0. */
static int bind_to(int port)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in4, sizeof in4), 0);
    return fd;
}

void server_listen_again(struct server *server)
{
    server->fd = bind_to(server->port);
    ck_assert_int_eq(listen(server->fd, 128), 0);
    server->poll = x_zalloc(sizeof *server->poll);
    server->poll->data = server;
    ck_assert_int_eq(uv_poll_init(&server->loop->uv, server->poll, server->fd), 0);
    ck_assert_int_eq(uv_poll_start(server->poll, UV_READABLE, on_poll), 0);
}

struct server *server_new(struct loop *loop, bool greets)
{
    struct sockaddr_in in4;
    socklen_t size = sizeof in4;
    struct server *server = x_zalloc(sizeof *server);

    server->loop = loop;
    server->greets = greets;
    list_init(&server->peers);
    server->reserve = bind_to(0);
    ck_assert_int_eq(getsockname(server->reserve, (struct sockaddr *)&in4, &size), 0);
    server->port = ntohs(in4.sin_port);
    server_listen_again(server);
    return server;
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

void server_stop_listening(struct server *server)
{
    if (server->poll != NULL) {
        uv_close((uv_handle_t *)server->poll, on_poll_closed);
        (void)close(server->fd);
        server->poll = NULL;
    }
}

void server_close(struct server *server)
{
    while (!list_empty(&server->peers)) {
        peer_drop(container_of(list_head(&server->peers), struct peer, node));
    }
    server_stop_listening(server);
    (void)close(server->reserve);
    free(server);
}

struct peer *server_next(struct server *server)
{
    loops_until_count(server->loop, &server->accepted, server->given + 1,
                      "a connection to the server");
    return server->next[server->given++ % 64];
}
