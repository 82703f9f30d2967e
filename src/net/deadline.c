// SPDX-License-Identifier: MIT
#include "net/deadline.h"

#include <assert.h>
#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"

/* All deadlines of one length, the next to end first. */
struct deadline_class {
    uint64_t ms; /* the length, key of the hash */
    struct deadlines *owner;
    struct list armed;
    UT_hash_handle hh;
};

static void on_timer(uv_timer_t *timer);

void deadlines_init(struct deadlines *all, uv_loop_t *uv)
{
    *all = (struct deadlines){.due = UINT64_MAX};
    (void)uv_timer_init(uv, &all->timer);
}

void deadlines_fini(struct deadlines *all)
{
    struct deadline_class *class;
    struct deadline_class *next;

    HASH_ITER (hh, all->classes, class, next) {
        assert(list_empty(&class->armed));
        HASH_DEL(all->classes, class);
        free(class);
    }
    uv_close((uv_handle_t *)&all->timer, NULL);
}

static struct deadline_class *class_of(struct deadlines *all, uint64_t ms)
{
    struct deadline_class *class;

    HASH_FIND(hh, all->classes, &ms, sizeof ms, class);
    if (class == NULL) {
        class = x_zalloc(sizeof *class);
        class->ms = ms;
        class->owner = all;
        list_init(&class->armed);
        HASH_ADD(hh, all->classes, ms, sizeof class->ms, class);
    }
    return class;
}

/* One that is armed again mostly has the length that it had before. */
static struct deadline_class *class_for(struct deadlines *all, struct deadline *d, uint64_t ms)
{
    if (d->class == NULL || d->class->ms != ms || d->class->owner != all) {
        d->class = class_of(all, ms);
    }
    return d->class;
}

static void start_timer(struct deadlines *all, uint64_t at)
{
    uint64_t now = uv_now(all->timer.loop);
    uint64_t wait = at > now ? at - now : 0;

    wait = wait < DEADLINE_GRAIN ? DEADLINE_GRAIN : wait;
    all->due = now + wait;
    (void)uv_timer_start(&all->timer, on_timer, wait, 0);
}

void deadline_arm(struct deadlines *all, struct deadline *d, uint64_t ms,
                  void (*cb)(struct deadline *deadline))
{
    list_remove(&d->node);
    if (ms == 0) {
        return;
    }
    d->at = uv_now(all->timer.loop) + ms;
    d->cb = cb;
    list_push_tail(&class_for(all, d, ms)->armed, &d->node);
    if (d->at < all->due && !all->running) {
        start_timer(all, d->at);
    }
}

/* Fires what has ended in one class. */
static void run_class(struct deadline_class *class, uint64_t now)
{
    struct list *node;

    while ((node = list_head(&class->armed)) != NULL) {
        struct deadline *d = container_of(node, struct deadline, node);
        if (d->at > now) {
            return;
        }
        list_remove(&d->node);
        d->cb(d);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct deadlines *all = container_of(timer, struct deadlines, timer);
    uint64_t now = uv_now(timer->loop);
    uint64_t next = UINT64_MAX;
    struct deadline_class *class;
    struct deadline_class *tmp;

    all->running = true;
    HASH_ITER (hh, all->classes, class, tmp) {
        run_class(class, now);
    }
    all->running = false;
    HASH_ITER (hh, all->classes, class, tmp) {
        struct list *head = list_head(&class->armed);
        if (head != NULL) {
            uint64_t at = container_of(head, struct deadline, node)->at;
            next = at < next ? at : next;
        }
    }
    all->due = UINT64_MAX;
    if (next != UINT64_MAX) {
        start_timer(all, next);
    }
}
