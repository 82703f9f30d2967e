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

static void on_before_poll(uv_prepare_t *handle)
{
    struct loop *loop = container_of(handle, struct loop, before_poll);

    loop->shaken = 0;
    run_works(loop);
}

/* What they ask for in turn waits for the turn after this. */
static void on_next_turn(uv_idle_t *handle)
{
    struct loop *loop = container_of(handle, struct loop, next_turn);

    list_splice_tail(&loop->works, &loop->again);
    (void)uv_idle_stop(&loop->next_turn);
}

void loop_defer_next(struct loop *loop, struct work *work)
{
    if (list_empty(&work->node)) {
        list_push_tail(&loop->again, &work->node);
        (void)uv_idle_start(&loop->next_turn, on_next_turn);
    }
}

static void on_after_poll(uv_check_t *handle)
{
    run_works(container_of(handle, struct loop, after_poll));
}

int loop_init(struct loop *loop)
{
    int rc = uv_loop_init(&loop->uv);

    if (rc < 0) {
        return rc;
    }
    list_init(&loop->works);
    loop->scratch = x_alloc(2 * (size_t)LIMIT_SCRATCH);
    list_init(&loop->again);
    loop->record = NULL;
    loop->shaken = 0;
    (void)uv_idle_init(&loop->uv, &loop->next_turn);
    (void)uv_prepare_init(&loop->uv, &loop->before_poll);
    (void)uv_check_init(&loop->uv, &loop->after_poll);
    (void)uv_prepare_start(&loop->before_poll, on_before_poll);
    (void)uv_check_start(&loop->after_poll, on_after_poll);
    uv_unref((uv_handle_t *)&loop->before_poll);
    uv_unref((uv_handle_t *)&loop->after_poll);
    deadlines_init(&loop->deadlines, &loop->uv);
    tasks_init(&loop->tasks);
    return 0;
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_let_end(struct loop *loop)
{
    uv_unref((uv_handle_t *)&loop->deadlines.timer);
}

void loop_fini(struct loop *loop)
{
    run_works(loop);
    uv_close((uv_handle_t *)&loop->next_turn, NULL);
    uv_close((uv_handle_t *)&loop->before_poll, NULL);
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    deadlines_fini(&loop->deadlines);
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT); /* takes back a loop_stop that nobody heard */
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    run_works(loop);
    tasks_fini(&loop->tasks);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    (void)rc;
    free(loop->record);
    free(loop->scratch);
}
