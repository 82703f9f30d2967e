// SPDX-License-Identifier: MIT
#include "net/task.h"

#include <assert.h>

#include "net/loop.h"

static const uint32_t most[TASK_KINDS] = {TASKS_COMPUTING, TASKS_BLOCKING, TASKS_HANGING};
static const uint32_t most_of_lane[TASK_KINDS] = {TASKS_COMPUTING_OF_LANE, TASKS_BLOCKING_OF_LANE,
                                                  TASKS_HANGING_OF_LANE};

void tasks_init(struct tasks *tasks)
{
    *tasks = (struct tasks){0};
    for (size_t i = 0; i < TASK_KINDS; i++) {
        fair_init(&tasks->queues[i].lanes, most_of_lane[i]);
    }
}

void tasks_fini(struct tasks *tasks)
{
    for (size_t i = 0; i < TASK_KINDS; i++) {
        assert(fair_empty(&tasks->queues[i].lanes));
    }
}

unsigned tasks_threads(unsigned loops)
{
    return loops * (TASKS_COMPUTING + TASKS_BLOCKING + TASKS_HANGING);
}

/* ---- threads ---- */

static void run_in_thread(uv_work_t *work)
{
    struct task *task = container_of(work, struct task, work);

    task->ops->run(task);
}

static void on_back(uv_work_t *work, int status);

static void run_next(struct task_queue *queue, enum task_kind kind)
{
    while (queue->running < most[kind] && fair_ready(&queue->lanes)) {
        struct task *task = container_of(fair_take(&queue->lanes), struct task, node);
        queue->running++;
        task->state = TASK_RUNNING;
        int rc = uv_queue_work(&task->loop->uv, &task->work, run_in_thread, on_back);
        assert(rc == 0); /* it fails for a missing function only */
        (void)rc;
    }
}

static void on_back(uv_work_t *work, int status)
{
    struct task *task = container_of(work, struct task, work);
    enum task_kind kind = task->ops->kind;
    struct task_queue *queue = &task->loop->tasks.queues[kind];
    bool left = task->state == TASK_LEFT;

    (void)status; /* never cancelled */
    queue->running--;
    fair_done(task->lane);
    run_next(queue, kind);
    task->lane = NULL;
    task->state = TASK_AT_REST;
    if (left) {
        task->ops->gone(task);
    } else {
        task->ops->done(task);
    }
}

void task_start(struct loop *loop, struct task *task, const struct task_ops *ops, struct slice lane)
{
    struct task_queue *queue = &loop->tasks.queues[ops->kind];

    assert(task->state == TASK_AT_REST);
    task->ops = ops;
    task->loop = loop;
    task->lane = fair_push(&queue->lanes, lane, &task->node);
    task->state = TASK_WAITING;
    run_next(queue, ops->kind);
}

bool task_leave(struct task *task)
{
    switch (task->state) {
    case TASK_AT_REST:
        return false;
    case TASK_WAITING:
        fair_remove(task->lane, &task->node);
        task->lane = NULL;
        task->state = TASK_AT_REST;
        return false;
    case TASK_RUNNING:
        task->state = TASK_LEFT;
        break;
    case TASK_LEFT:
        break;
    }
    return true;
}
