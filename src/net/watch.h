// SPDX-License-Identifier: MIT
//
// watch: a descriptor that a loop polls, by one epoll set of our own; libuv's descriptor is one in
// it. A socket's event so costs a call of its callback and nothing else, and an idle connection a
// few bytes.
//
//   watch_start   begins; the callback gets what is ready of what was asked for (WATCH_FAILED, too,
//                 unasked)
//   watch_set     asks for something else; for nothing, the kernel does not poll at all
//   watch_stop    ends at once; an event that was fetched already is dropped: the memory is free
//   watch_close   the same, and says so when the callbacks of the turn are done: for who may be in
//                 one of its own callbacks
//
// An error of a start is returned; nothing else can fail. Belongs to the loop's thread.
#ifndef NET_WATCH_H
#define NET_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* What may be asked for and told. */
enum watch_event {
    WATCH_READABLE = EPOLLIN,
    WATCH_WRITABLE = EPOLLOUT,
    WATCH_LEFT = EPOLLRDHUP, /* the peer will send nothing more */
    WATCH_FAILED = EPOLLERR  /* told unasked: the descriptor's error is to be fetched */
};

#define POLLER_BATCH 256 /* events fetched at once */

struct watch {
    void (*cb)(struct watch *watch, int events);
    struct watch *next; /* in poller.closed */
    int fd;
    uint16_t events; /* asked for now */
};

/* The set, of which a loop has one. */
struct poller {
    struct watch *closed; /* to be told that they are */
    int epoll;
    int count; /* watches that are open, or not told yet that they are closed */
    int at;    /* the next event of the batch to hand out */
    int ready; /* events in the batch */
    struct epoll_event batch[POLLER_BATCH];
};

/* 0 or a negative code. */
int poller_init(struct poller *poller);
void poller_fini(struct poller *poller);

/* Waits for events, at most timeout ms, without end where it is -1; then they are there to be
 * handed out. */
void poller_wait(struct poller *poller, int timeout);
void poller_hand_out(struct poller *poller);

/* Calls back those that were closed. */
void poller_tell_closed(struct poller *poller);

/* 0 or a negative code; fd stays the caller's. */
int watch_start(struct watch *watch, struct poller *poller, int fd, int events,
                void (*cb)(struct watch *watch, int events));
void watch_set(struct watch *watch, struct poller *poller, int events);
void watch_stop(struct watch *watch, struct poller *poller);
void watch_close(struct watch *watch, struct poller *poller,
                 void (*on_closed)(struct watch *watch, int events));

#endif
