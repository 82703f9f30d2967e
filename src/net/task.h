// SPDX-License-Identifier: MIT
//
// task: a step in libuv's thread pool that leaves a loop free: one that computes for milliseconds,
// or one that blocks. Each is of a lane, by name; a lane has few of its steps in threads at a time,
// a loop has few in all, and lanes with steps that wait take turns. So whoever causes many steps
// delays another's by as many as are in threads, and by one of each other lane (fair.h). Steps that
// block never keep steps that compute waiting, and those that may never come back keep neither: the
// kinds are counted apart.
//
// A task is embedded in what it works for, and touches nothing else while it runs. Its owner may
// want to go meanwhile: task_leave tells it whether it must stay until `gone`. A zeroed task is at
// rest, and one that is done may be started again. Everything but `run` is the loop's thread.
#ifndef NET_TASK_H
#define NET_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/fair.h"
#include "base/list.h"
#include "base/slice.h"

struct loop;
struct task;

enum task_kind {
    TASK_COMPUTES,
    TASK_BLOCKS, /* for a time that is bounded */
    TASK_HANGS,  /* for a time that somebody else's code decides */
    TASK_KINDS
};

/* In threads at a time: of one loop, and of one lane of it. */
enum {
    TASKS_COMPUTING = 2,
    TASKS_COMPUTING_OF_LANE = 1,
    TASKS_BLOCKING = 4,
    TASKS_BLOCKING_OF_LANE = 2,
    TASKS_HANGING = 4,
    TASKS_HANGING_OF_LANE = 2
};

struct task_ops {
    enum task_kind kind;
    void (*run)(struct task *task);  /* in a thread */
    void (*done)(struct task *task); /* on the loop; may start it again, or free it */
    void (*gone)(struct task *task); /* … in its place, once the owner wants to go */
};

enum task_state { TASK_AT_REST, TASK_WAITING, TASK_RUNNING, TASK_LEFT };

/* private but for embedding */
struct task {
    const struct task_ops *ops;
    struct loop *loop;
    struct fair_lane *lane; /* while it waits or runs */
    struct list node;       /* in the lane while it waits */
    uv_work_t work;
    enum task_state state;
};

/* Steps of one kind on one loop. */
struct task_queue {
    struct fair lanes; /* of steps that wait or run */
    uint32_t running;  /* in threads */
};

/* Embedded in the loop. */
struct tasks {
    struct task_queue queues[TASK_KINDS];
};

void tasks_init(struct tasks *tasks);
void tasks_fini(struct tasks *tasks); /* nothing waits or runs any more */

/* The task is at rest. */
void task_start(struct loop *loop, struct task *task, const struct task_ops *ops,
                struct slice lane);

/* The owner goes. False: it may at once, `done` will not come. True: the task is in a thread, and
 * `gone` comes when it is back. */
bool task_leave(struct task *task);

static inline bool task_under_way(const struct task *task)
{
    return task->state != TASK_AT_REST;
}

/* Threads that so many loops' tasks take of the pool at most. */
unsigned tasks_threads(unsigned loops);

#endif
