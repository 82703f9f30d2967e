// SPDX-License-Identifier: MIT
//
// forwarder: `forwarder PORT TARGET_PORT` gives every client on 127.0.0.1:PORT a connection of its
// own to 127.0.0.1:TARGET_PORT and copies bytes both ways. It knows no protocol and pools nothing:
// two polls, two reads and two writes per simple query are the floor under any proxy on epoll.
// What a socket does not take at once is kept, and its peer is not read meanwhile. One thread.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 256

struct side {
    int fd; /* -1: closed; a pair is freed when the batch is done */
    struct side *peer;
    struct side *next; /* in gone */
    char *kept;        /* owned: bytes that fd did not take yet, or NULL */
    size_t kept_n;     /* bytes in kept */
};

static int set; /* the epoll set */
static struct side *gone;

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void close_pair(struct side *s)
{
    close(s->fd);
    close(s->peer->fd);
    s->fd = s->peer->fd = -1;
    s->next = gone;
    gone = s;
}

static void free_gone(void)
{
    struct side *s;

    while ((s = gone) != NULL) {
        gone = s->next;
        free(s->kept);
        free(s->peer->kept);
        free(s->peer);
        free(s);
    }
}

/* A side reads unless its peer is stuck, and waits to write while it is stuck itself. */
static void watch(struct side *s, int how)
{
    struct epoll_event event = {.data.ptr = s};

    event.events = (s->peer->kept == NULL ? EPOLLIN : 0U) | (s->kept != NULL ? EPOLLOUT : 0U);
    epoll_ctl(set, how, s->fd, &event);
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
        watch(s, EPOLL_CTL_MOD);
        watch(s->peer, EPOLL_CTL_MOD);
    }
    return true;
}

static void on_event(struct side *s, uint32_t events)
{
    static char scratch[65536];

    if (s->fd < 0) {
        return;
    }
    if ((events & EPOLLOUT) != 0 && s->kept != NULL && !forward(s, s->kept, s->kept_n)) {
        close_pair(s);
    } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && s->peer->kept == NULL) {
        ssize_t n = read(s->fd, scratch, sizeof(scratch));
        if (n == 0 || (n < 0 && errno != EAGAIN) ||
            (n > 0 && !forward(s->peer, scratch, (size_t)n))) {
            close_pair(s);
        }
    }
}

static struct side *side_new(int fd)
{
    struct side *s = calloc(1, sizeof(*s));

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    s->fd = fd;
    return s;
}

static void on_client(int listener, const struct sockaddr_in *target)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (client < 0 || connect(server, (const struct sockaddr *)target, sizeof(*target)) < 0) {
        close(client);
        close(server);
        return;
    }
    struct side *a = side_new(client);
    struct side *b = side_new(server);
    a->peer = b;
    b->peer = a;
    watch(a, EPOLL_CTL_ADD);
    watch(b, EPOLL_CTL_ADD);
}

int main(int argc, char **argv)
{
    struct epoll_event events[BATCH] = {{.events = EPOLLIN}}; /* for the listener: no side */

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
    set = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &events[0]);
    for (;;) {
        int n = epoll_wait(set, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                on_client(fd, &target);
            } else {
                on_event(events[i].data.ptr, events[i].events);
            }
        }
        free_gone();
    }
}
