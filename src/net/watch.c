// SPDX-License-Identifier: MIT
#include "net/watch.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "net/call.h"

int poller_init(struct poller *poller)
{
    poller->closed = NULL;
    poller->count = poller->at = poller->ready = 0;
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    return poller->epoll < 0 ? -errno : 0;
}

void poller_fini(struct poller *poller)
{
    assert(poller->count == 0);
    (void)close(poller->epoll);
}

void poller_wait(struct poller *poller, int timeout)
{
    int n = call_epoll_wait(poller->epoll, poller->batch, POLLER_BATCH, timeout);

    poller->at = 0;
    poller->ready = n < 0 ? 0 : n; /* interrupted: the caller comes back */
}

/* That the peer is gone altogether is told as whatever was asked for. */
static int events_for(const struct watch *watch, uint32_t events)
{
    uint32_t told = events & (watch->events | (uint32_t)WATCH_FAILED);

    return (int)(told == 0 && (events & EPOLLHUP) != 0 ? watch->events : told);
}

void poller_hand_out(struct poller *poller)
{
    while (poller->at < poller->ready) {
        const struct epoll_event *event = &poller->batch[poller->at++];
        struct watch *watch = event->data.ptr;
        int events = watch == NULL ? 0 : events_for(watch, event->events);
        if (events != 0) {
            watch->cb(watch, events);
        }
    }
}

void poller_tell_closed(struct poller *poller)
{
    struct watch *watch;

    while ((watch = poller->closed) != NULL) {
        poller->closed = watch->next;
        poller->count--;
        watch->cb(watch, 0);
    }
}

static int tell_kernel(struct watch *watch, struct poller *poller, int events)
{
    struct epoll_event event = {.events = (uint32_t)events, .data.ptr = watch};
    int op = watch->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (watch->events == events) {
        return 0;
    }
    watch->events = (uint16_t)events;
    return epoll_ctl(poller->epoll, op, watch->fd, &event) < 0 ? -errno : 0;
}

int watch_start(struct watch *watch, struct poller *poller, int fd, int events,
                void (*cb)(struct watch *watch, int events))
{
    *watch = (struct watch){.cb = cb, .fd = fd};
    int rc = tell_kernel(watch, poller, events);
    if (rc == 0) {
        poller->count++;
    }
    return rc;
}

/* With the set and the descriptor known to be good, only kernel memory can be missing; the watch
 * then keeps what it had. */
void watch_set(struct watch *watch, struct poller *poller, int events)
{
    uint16_t had = watch->events;

    if (tell_kernel(watch, poller, events) < 0) {
        watch->events = had;
    }
}

/* Out of the set, and out of what was fetched already. */
static void forget(struct watch *watch, struct poller *poller)
{
    watch_set(watch, poller, 0);
    for (int i = poller->at; i < poller->ready; i++) {
        if (poller->batch[i].data.ptr == watch) {
            poller->batch[i].data.ptr = NULL;
        }
    }
}

void watch_stop(struct watch *watch, struct poller *poller)
{
    forget(watch, poller);
    poller->count--;
}

void watch_close(struct watch *watch, struct poller *poller,
                 void (*on_closed)(struct watch *watch, int events))
{
    forget(watch, poller);
    watch->cb = on_closed;
    watch->next = poller->closed;
    poller->closed = watch;
}
