// SPDX-License-Identifier: MIT
//
// loop: one event loop and what everything on it shares: the scratch buffer that sockets are read
// into, the clock of the turn, the deadlines, and a list of work that runs when the callbacks of
// the turn are done. An object whose callback is running is never freed there and then: it is put
// on that list. Everything here belongs to the thread that runs the loop.
//
// Sockets are polled by ourselves (watch.h). libuv does what is rare: timers, other threads, names,
// signals. It is embedded, as its manual describes (uv_backend_fd): its descriptor is one of those
// polled, and it gets a round when something of its own is ready or due.
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <uv.h>

#include "base/limits.h"
#include "base/list.h"
#include "net/deadline.h"
#include "net/task.h"
#include "net/watch.h"

/* Work for the end of the turn; embedded in its object. */
struct work {
    struct list node; /* in loop.works while queued */
    void (*run)(struct work *work);
};

struct loop {
    uv_loop_t uv;
    struct poller poller;
    struct watch uv_ready;  /* libuv's descriptor */
    uv_prepare_t keep_open; /* counts for libuv while sockets are open, so that it knows of them */
    bool kept_open;         /* it does now */
    bool uv_ready_now;      /* libuv's descriptor was ready in this turn */
    bool stopping;          /* loop_run is to return */
    struct list works;
    struct deadlines deadlines;
    struct tasks tasks; /* steps in the thread pool */
    struct list again;  /* works for the next turn, which does not wait while there are some */
    uint8_t *record;    /* TLS_RECORD bytes of scratch; NULL before TLS was written */
    uint64_t shaken;    /* ns that TLS handshakes took of this turn */
    uint8_t *scratch;   /* 2 * LIMIT_SCRATCH bytes; valid within one callback */
};

int loop_init(struct loop *loop);

/* Runs until loop_stop, or until nothing is left to wait for. */
void loop_run(struct loop *loop);

/* One turn; waits for something to happen where that is asked for. */
void loop_turn(struct loop *loop, bool wait);
void loop_stop(struct loop *loop);

/* From here on deadlines do not keep the loop running: it ends when all else has closed. */
void loop_let_end(struct loop *loop);

/* Everything on the loop must be closed, or closing; runs it dry and asserts that it is. */
void loop_fini(struct loop *loop);

/* Milliseconds of a steady clock, read once a turn. */
static inline uint64_t loop_now(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

static inline void work_init(struct work *work, void (*run)(struct work *work))
{
    list_init(&work->node);
    work->run = run;
}

/* Queues the work, once however often it is asked for. */
static inline void loop_defer(struct loop *loop, struct work *work)
{
    if (list_empty(&work->node)) {
        list_push_tail(&loop->works, &work->node);
    }
}

/* The same for the next turn, after the sockets that are ready in between: for work that may ask
 * for itself again without end. */
void loop_defer_next(struct loop *loop, struct work *work);

#endif
