// SPDX-License-Identifier: MIT
//
// reactor: one epoll set, sockets of loopback, and the moment. Whoever is called may close any
// source: events that were fetched for one that is closed are dropped. One thread.
#ifndef ORACLE_REACTOR_H
#define ORACLE_REACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct source {
    int fd; /* -1 when closed */
    uint32_t interest;
    void (*on_events)(struct source *source, uint32_t events);
};

enum { REACTOR_EVENTS = 64 };

struct reactor {
    int epoll;
    struct epoll_event events[REACTOR_EVENTS];
    int count; /* events of this turn that are not handled yet stand from `at` */
    int at;
};

void reactor_init(struct reactor *reactor);

/* Handles what there is, after waiting `patience` milliseconds at most. */
void reactor_turn(struct reactor *reactor, int patience);

void source_open(struct reactor *reactor, struct source *source, int fd, uint32_t interest,
                 void (*on_events)(struct source *source, uint32_t events));
void source_watch(struct reactor *reactor, struct source *source, uint32_t interest);
void source_close(struct reactor *reactor, struct source *source);

/* Connected to a port of 127.0.0.1, not blocking, without Nagle's delay; ends the program where
 * nobody listens. A receive buffer of 0 bytes is the system's own. */
int tcp_connect(uint16_t port, int receive_buffer);
int tcp_listen(uint16_t port);
int tcp_accept(int fd); /* -1 when nobody is there */

uint64_t now_ms(void);

_Noreturn void die(const char *what);

#endif
