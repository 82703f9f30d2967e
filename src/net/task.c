// SPDX-License-Identifier: MIT
#include "net/task.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"
#include "net/loop.h"

struct task_lane {
    UT_hash_handle hh; /* by name, in its queue */
    struct task_queue *queue;
    struct list node;    /* in queue.turns, while one that waits may have a thread */
    struct list waiting; /* tasks, in the order in which they came */
    uint32_t running;    /* of its tasks, in threads */
    uint8_t name_size;
    char name[TASK_LANE_NAME];
};

static const uint32_t most[TASK_KINDS] = {TASKS_COMPUTING, TASKS_BLOCKING};
static const uint32_t most_of_lane[TASK_KINDS] = {TASKS_COMPUTING_OF_LANE, TASKS_BLOCKING_OF_LANE};

void tasks_init(struct tasks *tasks)
{
    *tasks = (struct tasks){0};
    for (size_t i = 0; i < TASK_KINDS; i++) {
        list_init(&tasks->queues[i].turns);
    }
}

void tasks_fini(struct tasks *tasks)
{
    for (size_t i = 0; i < TASK_KINDS; i++) {
        assert(tasks->queues[i].lanes == NULL);
    }
}

unsigned tasks_threads(unsigned loops)
{
    return loops * (TASKS_COMPUTING + TASKS_BLOCKING);
}

/* ---- lanes ---- */

static struct task_lane *find_or_add_lane(struct task_queue *queue, struct slice name)
{
    struct task_lane *lane;
    size_t size = name.n < TASK_LANE_NAME ? name.n : TASK_LANE_NAME;

    HASH_FIND(hh, queue->lanes, name.p, size, lane);
    if (lane == NULL) {
        lane = x_zalloc(sizeof *lane);
        lane->queue = queue;
        list_init(&lane->node);
        list_init(&lane->waiting);
        lane->name_size = (uint8_t)size;
        if (size > 0) {
            memcpy(lane->name, name.p, size);
        }
        HASH_ADD(hh, queue->lanes, name, size, lane);
    }
    return lane;
}

/* Lets it stand for a thread, or not; one that has nothing any more goes. */
static void follow_lane(struct task_lane *lane, enum task_kind kind)
{
    struct task_queue *queue = lane->queue;

    if (list_empty(&lane->waiting)) {
        list_remove(&lane->node);
        if (lane->running == 0) {
            HASH_DEL(queue->lanes, lane);
            free(lane);
        }
    } else if (list_empty(&lane->node) && lane->running < most_of_lane[kind]) {
        list_push_tail(&queue->turns, &lane->node);
    }
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
    while (queue->running < most[kind] && !list_empty(&queue->turns)) {
        struct task_lane *lane = container_of(list_pop_head(&queue->turns), struct task_lane, node);
        struct task *task = container_of(list_pop_head(&lane->waiting), struct task, node);
        queue->running++;
        lane->running++;
        task->state = TASK_RUNNING;
        int rc = uv_queue_work(&task->loop->uv, &task->work, run_in_thread, on_back);
        assert(rc == 0); /* it fails for a missing function only */
        (void)rc;
        follow_lane(lane, kind);
    }
}

static void on_back(uv_work_t *work, int status)
{
    struct task *task = container_of(work, struct task, work);
    struct task_lane *lane = task->lane;
    struct task_queue *queue = lane->queue;
    enum task_kind kind = task->ops->kind;
    bool left = task->state == TASK_LEFT;

    (void)status; /* never cancelled */
    queue->running--;
    lane->running--;
    follow_lane(lane, kind);
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
    task->lane = find_or_add_lane(queue, lane);
    task->state = TASK_WAITING;
    list_init(&task->node);
    list_push_tail(&task->lane->waiting, &task->node);
    follow_lane(task->lane, ops->kind);
    run_next(queue, ops->kind);
}

bool task_leave(struct task *task)
{
    switch (task->state) {
    case TASK_AT_REST:
        return false;
    case TASK_WAITING:
        list_remove(&task->node);
        follow_lane(task->lane, task->ops->kind);
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
