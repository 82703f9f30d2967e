// SPDX-License-Identifier: MIT
//
// forwarder: `forwarder PORT TARGET_PORT` gives every client on 127.0.0.1:PORT a connection of its
// own to 127.0.0.1:TARGET_PORT and copies bytes both ways. It knows no protocol and pools nothing:
// two polls, two reads and two writes per simple query are the floor under any proxy on uv_poll.
// What a socket does not take at once is kept, and its peer is not read meanwhile. One thread.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

struct side {
    uv_poll_t poll;
    int fd;
    struct side *peer;
    char *kept;    /* owned: bytes that fd did not take yet, or NULL */
    size_t kept_n; /* bytes in kept */
    bool closed;   /* the poll handle is closed; a pair is freed when both are */
};

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void on_close(uv_handle_t *handle)
{
    struct side *s = handle->data;

    close(s->fd);
    free(s->kept);
    s->closed = true;
    if (s->peer->closed) {
        free(s->peer);
        free(s);
    }
}

static void close_pair(struct side *s)
{
    uv_close((uv_handle_t *)&s->poll, on_close);
    uv_close((uv_handle_t *)&s->peer->poll, on_close);
}

static void on_event(uv_poll_t *poll, int status, int events);

/* A side reads unless its peer is stuck, and waits to write while it is stuck itself. */
static void watch(struct side *s)
{
    int events = (s->peer->kept == NULL ? UV_READABLE : 0) | (s->kept != NULL ? UV_WRITABLE : 0);

    uv_poll_start(&s->poll, events, on_event);
}

/* Writes n bytes to s; keeps a copy of the rest. False where the connection is gone. */
static bool forward(struct side *s, const char *p, size_t n)
{
    ssize_t done = write(s->fd, p, n);

    if (done < 0 && errno != EAGAIN) {
        return false;
    }
    size_t sent = done < 0 ? 0 : (size_t)done;
    char *old = s->kept;
    bool was_stuck = old != NULL;
    s->kept_n = n - sent;
    s->kept = s->kept_n > 0 ? memcpy(malloc(s->kept_n), p + sent, s->kept_n) : NULL;
    free(old);
    if (was_stuck || s->kept != NULL) {
        watch(s);
        watch(s->peer);
    }
    return true;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    char scratch[65536];
    struct side *s = poll->data;

    if (status < 0 || ((events & UV_WRITABLE) && !forward(s, s->kept, s->kept_n))) {
        close_pair(s);
    } else if ((events & UV_READABLE) && s->peer->kept == NULL) {
        ssize_t n = read(s->fd, scratch, sizeof(scratch));
        if (n == 0 || (n < 0 && errno != EAGAIN) ||
            (n > 0 && !forward(s->peer, scratch, (size_t)n))) {
            close_pair(s);
        }
    }
}

static struct side *side_new(uv_loop_t *loop, int fd)
{
    struct side *s = calloc(1, sizeof(*s));

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    s->fd = fd;
    uv_poll_init(loop, &s->poll, fd);
    s->poll.data = s;
    return s;
}

static void on_client(uv_poll_t *listener, int status, int events)
{
    (void)status, (void)events;
    struct sockaddr_in *target = listener->data;
    uv_os_fd_t fd = -1;
    uv_fileno((uv_handle_t *)listener, &fd);
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (client < 0 || connect(server, (struct sockaddr *)target, sizeof(*target)) < 0) {
        close(client);
        close(server);
        return;
    }
    struct side *a = side_new(listener->loop, client);
    struct side *b = side_new(listener->loop, server);
    a->peer = b;
    b->peer = a;
    watch(a);
    watch(b);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: forwarder PORT TARGET_PORT\n");
        return 2;
    }
    struct sockaddr_in here = loopback(argv[1]), target = loopback(argv[2]);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 128) < 0) {
        perror("forwarder: listen");
        return 1;
    }
    uv_poll_t listener;
    uv_poll_init(uv_default_loop(), &listener, fd);
    listener.data = &target;
    uv_poll_start(&listener, UV_READABLE, on_client);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
