// SPDX-License-Identifier: MIT
//
// stub: a server for thousands of connections that cost nothing: it lets everybody in and answers
// every statement with one row. It knows just enough of the protocol for a proxy: startup, Query,
// and the extended messages, each with the answer that PostgreSQL would give. Prints "ready" and
// serves until it is ended. One thread, one epoll set.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_MAX = 4096, OUTPUT_MAX = 16384, EVENTS_MAX = 64 };

struct client {
    int fd;
    bool started; /* the startup packet came */
    uint8_t input[INPUT_MAX];
    size_t n;
};

struct output {
    uint8_t bytes[OUTPUT_MAX];
    size_t n;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "stub: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint32_t be32_read(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof(value));
    return ntohl(value);
}

static void put(struct output *out, const void *bytes, size_t n)
{
    if (out->n + n > OUTPUT_MAX) {
        errno = EMSGSIZE;
        fail("answer");
    }
    memcpy(out->bytes + out->n, bytes, n);
    out->n += n;
}

static void put_message(struct output *out, char type, const void *body, size_t n)
{
    put(out, &type, 1);
    put(out, &(uint32_t){htonl((uint32_t)n + 4)}, 4);
    put(out, body, n);
}

/* Literals with their bytes, without the terminator that C adds. */
#define BODY(literal) literal, sizeof(literal) - 1

static void put_parameter(struct output *out, const char *name, const char *value)
{
    char body[128];
    int n = snprintf(body, sizeof(body), "%s%c%s", name, 0, value);

    put_message(out, 'S', body, (size_t)n + 1);
}

static void put_greeting(struct output *out)
{
    put_message(out, 'R', BODY("\0\0\0\0"));
    put_parameter(out, "server_version", "15.0");
    put_parameter(out, "server_encoding", "UTF8");
    put_parameter(out, "client_encoding", "UTF8");
    put_parameter(out, "DateStyle", "ISO, MDY");
    put_parameter(out, "TimeZone", "UTC");
    put_parameter(out, "integer_datetimes", "on");
    put_parameter(out, "standard_conforming_strings", "on");
    put_message(out, 'K', BODY("\0\0\1\0\1\2\3\4"));
    put_message(out, 'Z', BODY("I"));
}

static void put_row(struct output *out)
{
    put_message(out, 'D',
                BODY("\0\1\0\0\0\1"
                     "0"));
    put_message(out, 'C', BODY("SELECT 1\0"));
}

static void put_description(struct output *out)
{
    put_message(out, 'T', BODY("\0\1abalance\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"));
}

static void answer(struct output *out, uint8_t type)
{
    switch (type) {
    case 'Q':
        put_description(out);
        put_row(out);
        put_message(out, 'Z', BODY("I"));
        break;
    case 'P':
        put_message(out, '1', BODY(""));
        break;
    case 'B':
        put_message(out, '2', BODY(""));
        break;
    case 'D':
        put_description(out);
        break;
    case 'E':
        put_row(out);
        break;
    case 'C':
        put_message(out, '3', BODY(""));
        break;
    case 'S':
        put_message(out, 'Z', BODY("I"));
        break;
    default:
        break;
    }
}

/* Bytes of the message at the front, 0 when it is not whole. */
static size_t message_size(const struct client *c, size_t at)
{
    size_t header = c->started ? 1 : 0;

    if (c->n - at < header + 4) {
        return 0;
    }
    size_t size = be32_read(c->input + at + header) + header;
    if (size > INPUT_MAX) {
        errno = EMSGSIZE;
        fail("message");
    }
    return c->n - at < size ? 0 : size;
}

static void close_client(struct client *c)
{
    (void)close(c->fd);
    free(c);
}

static void on_readable(struct client *c)
{
    struct output out = {.n = 0};
    ssize_t got = read(c->fd, c->input + c->n, INPUT_MAX - c->n);
    size_t at = 0;
    size_t size;

    if (got <= 0) {
        close_client(c);
        return;
    }
    c->n += (size_t)got;
    while ((size = message_size(c, at)) > 0) {
        if (!c->started) {
            c->started = true;
            put_greeting(&out);
        } else if (c->input[at] == 'X') {
            close_client(c);
            return;
        } else {
            answer(&out, c->input[at]);
        }
        at += size;
    }
    memmove(c->input, c->input + at, c->n - at);
    c->n -= at;
    if (out.n > 0 && write(c->fd, out.bytes, out.n) != (ssize_t)out.n) {
        close_client(c);
    }
}

static void accept_client(int epoll, int listener)
{
    struct client *c = calloc(1, sizeof(*c));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (c == NULL) {
        fail("memory");
    }
    c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0) {
        fail("accept");
    }
}

static int start_listening(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0) {
        fail("listen");
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];

    if (argc != 2) {
        fprintf(stderr, "usage: stub PORT\n");
        return 2;
    }
    int listener = start_listening((uint16_t)strtoul(argv[1], NULL, 10));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) {
        fail("epoll");
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS_MAX, -1);
        if (n < 0 && errno != EINTR) {
            fail("epoll_wait");
        }
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                accept_client(epoll, listener);
            } else {
                on_readable(events[i].data.ptr);
            }
        }
    }
}
