// SPDX-License-Identifier: MIT
//
// deadline: timeouts. Those of one length stand in one list, in the order in which they end, so
// that arming and disarming are O(1) however many there are; one uv_timer_t serves all lists of a
// loop. There are as many lists as lengths in use: some tens. A deadline may fire up to
// DEADLINE_GRAIN late. It is embedded in its object and belongs to the loop's thread.
#ifndef NET_DEADLINE_H
#define NET_DEADLINE_H

#include <uv.h>

#include "base/list.h"

#define DEADLINE_GRAIN 10 /* ms */

struct deadline {
    struct list node; /* in the list of its length while armed */
    uint64_t at;      /* loop time in ms */
    void (*cb)(struct deadline *deadline);
    struct deadline_class *class; /* of the length that it was armed with last, or NULL */
};

struct deadlines {
    uv_timer_t timer;
    uint64_t due;                   /* when the timer fires; UINT64_MAX when it is not running */
    struct deadline_class *classes; /* uthash by length */
    bool running;                   /* within the timer's callback */
};

void deadlines_init(struct deadlines *all, uv_loop_t *uv);
void deadlines_fini(struct deadlines *all); /* none may be armed */

static inline void deadline_init(struct deadline *d)
{
    list_init(&d->node);
    d->class = NULL;
}

static inline bool deadline_armed(const struct deadline *d)
{
    return !list_empty(&d->node);
}

static inline void deadline_disarm(struct deadline *d)
{
    list_remove(&d->node);
}

/* Calls cb once, ms from now; arming anew replaces what was armed. 0 ms disarms: "no limit". */
void deadline_arm(struct deadlines *all, struct deadline *d, uint64_t ms,
                  void (*cb)(struct deadline *deadline));

#endif
