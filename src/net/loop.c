// SPDX-License-Identifier: MIT
#include "net/loop.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Works may queue further works; those run in the same pass. */
static void run_works(struct loop *loop)
{
    struct list *node;

    while ((node = list_pop_head(&loop->works)) != NULL) {
        struct work *work = container_of(node, struct work, node);
        work->run(work);
    }
}

/* Libuv polls after this, so what its timers left to be done is not kept waiting. */
static void on_keep_open(uv_prepare_t *handle)
{
    run_works(container_of(handle, struct loop, keep_open));
}

static void on_uv_ready(struct watch *watch, int events)
{
    (void)events;
    container_of(watch, struct loop, uv_ready)->uv_ready_now = true;
}

void loop_defer_next(struct loop *loop, struct work *work)
{
    if (list_empty(&work->node)) {
        list_push_tail(&loop->again, &work->node);
    }
}

/* Tells libuv whether sockets are open besides its own descriptor. */
static void count_sockets(struct loop *loop)
{
    bool open = loop->poller.count > 1;

    if (open != loop->kept_open) {
        loop->kept_open = open;
        (open ? uv_ref : uv_unref)((uv_handle_t *)&loop->keep_open);
    }
}

/* What was put off in the last turn runs behind the sockets of this one; what it asks for in turn
 * waits for the turn after this. libuv lets the sockets wait for no time where it has something to
 * do at once; a wait that ended without an event is the end of its next timer's. */
void loop_turn(struct loop *loop, bool wait)
{
    loop->shaken = 0;
    count_sockets(loop);
    int patience = wait && list_empty(&loop->again) ? uv_backend_timeout(&loop->uv) : 0;
    poller_wait(&loop->poller, patience);
    uv_update_time(&loop->uv);
    bool uv_due = patience == 0 || loop->poller.ready == 0;
    poller_hand_out(&loop->poller);
    list_splice_tail(&loop->works, &loop->again);
    run_works(loop);
    if (uv_due || loop->uv_ready_now) {
        loop->uv_ready_now = false;
        (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
        run_works(loop);
    }
    poller_tell_closed(&loop->poller);
    run_works(loop);
}

int loop_init(struct loop *loop)
{
    int rc = uv_loop_init(&loop->uv);

    if (rc < 0) {
        return rc;
    }
    rc = poller_init(&loop->poller);
    if (rc < 0) {
        goto err_uv;
    }
    rc = watch_start(&loop->uv_ready, &loop->poller, uv_backend_fd(&loop->uv), WATCH_READABLE,
                     on_uv_ready);
    if (rc < 0) {
        goto err_poller;
    }
    list_init(&loop->works);
    list_init(&loop->again);
    loop->scratch = x_alloc(2 * (size_t)LIMIT_SCRATCH);
    loop->record = NULL;
    loop->shaken = 0;
    loop->uv_ready_now = loop->kept_open = loop->stopping = false;
    (void)uv_prepare_init(&loop->uv, &loop->keep_open);
    (void)uv_prepare_start(&loop->keep_open, on_keep_open);
    uv_unref((uv_handle_t *)&loop->keep_open);
    deadlines_init(&loop->deadlines, &loop->uv);
    tasks_init(&loop->tasks);
    return 0;

err_poller:
    poller_fini(&loop->poller);
err_uv:
    (void)uv_loop_close(&loop->uv);
    return rc;
}

void loop_run(struct loop *loop)
{
    run_works(loop);
    count_sockets(loop);
    while (!loop->stopping && (uv_loop_alive(&loop->uv) != 0 || !list_empty(&loop->again))) {
        loop_turn(loop, true);
        count_sockets(loop);
    }
    loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void loop_let_end(struct loop *loop)
{
    uv_unref((uv_handle_t *)&loop->deadlines.timer);
}

void loop_fini(struct loop *loop)
{
    loop->stopping = false; /* takes back a loop_stop that nobody heard */
    run_works(loop);
    deadlines_fini(&loop->deadlines);
    loop_run(loop);
    uv_close((uv_handle_t *)&loop->keep_open, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    run_works(loop);
    tasks_fini(&loop->tasks);
    watch_stop(&loop->uv_ready, &loop->poller);
    poller_fini(&loop->poller);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    (void)rc;
    free(loop->record);
    free(loop->scratch);
}
