// SPDX-License-Identifier: MIT
#include "reactor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

_Noreturn void die(const char *what)
{
    fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
    exit(2);
}

uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void reactor_init(struct reactor *reactor)
{
    *reactor = (struct reactor){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (reactor->epoll < 0) {
        die("epoll_create1");
    }
}

void reactor_turn(struct reactor *reactor, int patience)
{
    reactor->count = epoll_wait(reactor->epoll, reactor->events, REACTOR_EVENTS, patience);
    for (reactor->at = 0; reactor->at < reactor->count;) {
        struct epoll_event *event = &reactor->events[reactor->at++];
        struct source *source = event->data.ptr;
        if (source != NULL) {
            source->on_events(source, event->events);
        }
    }
}

void source_open(struct reactor *reactor, struct source *source, int fd, uint32_t interest,
                 void (*on_events)(struct source *source, uint32_t events))
{
    struct epoll_event event = {.events = interest, .data.ptr = source};

    *source = (struct source){.fd = fd, .interest = interest, .on_events = on_events};
    if (epoll_ctl(reactor->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        die("epoll_ctl");
    }
}

void source_watch(struct reactor *reactor, struct source *source, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = source};

    if (source->interest == interest) {
        return;
    }
    source->interest = interest;
    if (epoll_ctl(reactor->epoll, EPOLL_CTL_MOD, source->fd, &event) < 0) {
        die("epoll_ctl");
    }
}

void source_close(struct reactor *reactor, struct source *source)
{
    if (source->fd < 0) {
        return;
    }
    for (int i = reactor->at; i < reactor->count; i++) {
        if (reactor->events[i].data.ptr == source) {
            reactor->events[i].data.ptr = NULL;
        }
    }
    (void)close(source->fd);
    source->fd = -1;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void make_prompt(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

int tcp_connect(uint16_t port, int receive_buffer)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (receive_buffer > 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        die("connect");
    }
    make_prompt(fd);
    return fd;
}

int tcp_listen(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0) {
        die("listen");
    }
    return fd;
}

int tcp_accept(int fd)
{
    int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    if (got >= 0) {
        make_prompt(got);
    }
    return got;
}
