// SPDX-License-Identifier: MIT
#include "net/task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "loops.h"
#include "testing.h"

#define STORM 50

/* Threads stop at the door until it is opened, so that the test knows who is inside. */
struct door {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    _Atomic int inside; /* that have begun */
};

struct bench {
    struct loop loop;
    struct door door;
    int done;
    int gone;
    const struct step *watched; /* one that waits for a thread; NULL for none */
    int done_before;            /* how many were done when it had one */
};

struct step {
    struct task task;
    struct bench *bench;
};

static void bench_begin(struct bench *b)
{
    *b = (struct bench){0};
    loops_begin(&b->loop);
    pthread_mutex_init(&b->door.lock, NULL);
    pthread_cond_init(&b->door.changed, NULL);
}

static void bench_end(struct bench *b)
{
    loops_end(&b->loop);
    pthread_mutex_destroy(&b->door.lock);
    pthread_cond_destroy(&b->door.changed);
}

static void open_door(struct bench *b)
{
    pthread_mutex_lock(&b->door.lock);
    b->door.open = true;
    pthread_cond_broadcast(&b->door.changed);
    pthread_mutex_unlock(&b->door.lock);
}

static void wait_at_door(struct task *task)
{
    struct door *door = &container_of(task, struct step, task)->bench->door;

    atomic_fetch_add(&door->inside, 1);
    pthread_mutex_lock(&door->lock);
    while (!door->open) {
        pthread_cond_wait(&door->changed, &door->lock);
    }
    pthread_mutex_unlock(&door->lock);
}

static void on_done(struct task *task)
{
    struct step *step = container_of(task, struct step, task);
    struct bench *b = step->bench;

    b->done++;
    if (b->watched != NULL && b->watched->task.state != TASK_WAITING) {
        b->done_before = b->done;
        b->watched = NULL;
    }
    free(step);
}

static void on_gone(struct task *task)
{
    struct step *step = container_of(task, struct step, task);

    step->bench->gone++;
    free(step);
}

static const struct task_ops computes = {TASK_COMPUTES, wait_at_door, on_done, on_gone};
static const struct task_ops blocks = {TASK_BLOCKS, wait_at_door, on_done, on_gone};

static struct step *start(struct bench *b, const struct task_ops *ops, char who)
{
    struct step *step = x_zalloc(sizeof *step);

    step->bench = b;
    task_start(&b->loop, &step->task, ops, slice_of(&who, 1));
    return step;
}

static bool one_is_inside(void *data)
{
    struct bench *b = data;

    return atomic_load(&b->door.inside) > 0;
}

START_TEST(a_step_runs_in_a_thread_and_comes_back)
{
    struct bench b;
    bench_begin(&b);
    open_door(&b);

    struct step *step = start(&b, &computes, 'a');
    ck_assert(task_under_way(&step->task));
    loops_until_is(&b.loop, &b.done, 1);

    bench_end(&b);
}
END_TEST

START_TEST(a_storm_of_one_delays_another_by_what_is_in_threads)
{
    struct bench b;
    bench_begin(&b);

    for (int i = 0; i < STORM; i++) {
        start(&b, &computes, 'a');
    }
    struct step *other = start(&b, &computes, 'b');

    ck_assert_int_eq(other->task.state, TASK_RUNNING);
    open_door(&b);
    loops_until_is(&b.loop, &b.done, STORM + 1);
    bench_end(&b);
}
END_TEST

START_TEST(lanes_take_turns)
{
    struct bench b;
    bench_begin(&b);

    for (int i = 0; i < STORM / 2; i++) {
        start(&b, &blocks, 'a');
    }
    for (int i = 0; i < STORM / 2; i++) {
        start(&b, &blocks, 'b');
    }
    b.watched = start(&b, &blocks, 'c');
    open_door(&b);
    loops_until_is(&b.loop, &b.done, STORM + 1);

    ck_assert_int_eq(b.done_before, 1);
    bench_end(&b);
}
END_TEST

START_TEST(a_lane_has_few_threads_of_its_own)
{
    struct bench b;
    bench_begin(&b);

    for (int i = 0; i < STORM; i++) {
        start(&b, &blocks, 'a');
    }
    ck_assert_uint_eq(b.loop.tasks.queues[TASK_BLOCKS].running, TASKS_BLOCKING_OF_LANE);
    start(&b, &blocks, 'b');
    ck_assert_uint_eq(b.loop.tasks.queues[TASK_BLOCKS].running, TASKS_BLOCKING_OF_LANE + 1);

    open_door(&b);
    loops_until_is(&b.loop, &b.done, STORM + 1);
    bench_end(&b);
}
END_TEST

START_TEST(steps_that_block_do_not_keep_those_that_compute)
{
    struct bench b;
    bench_begin(&b);

    for (char who = 'a'; who <= 'z'; who++) {
        start(&b, &blocks, who);
    }
    start(&b, &computes, 'a');
    ck_assert_uint_eq(b.loop.tasks.queues[TASK_BLOCKS].running, TASKS_BLOCKING);
    ck_assert_uint_eq(b.loop.tasks.queues[TASK_COMPUTES].running, 1);

    open_door(&b);
    loops_until_is(&b.loop, &b.done, 27);
    bench_end(&b);
}
END_TEST

START_TEST(an_owner_may_go_while_its_step_waits)
{
    struct bench b;
    bench_begin(&b);

    start(&b, &computes, 'a');
    struct step *waits = start(&b, &computes, 'a');
    ck_assert(!task_leave(&waits->task));
    free(waits);
    open_door(&b);
    loops_until_is(&b.loop, &b.done, 1);

    ck_assert_int_eq(b.gone, 0);
    bench_end(&b);
}
END_TEST

START_TEST(an_owner_stays_while_its_step_runs)
{
    struct bench b;
    bench_begin(&b);

    struct step *runs = start(&b, &computes, 'a');
    loops_until(&b.loop, one_is_inside, &b, "a step is in a thread");
    ck_assert(task_leave(&runs->task));
    open_door(&b);
    loops_until_is(&b.loop, &b.gone, 1);

    ck_assert_int_eq(b.done, 0);
    bench_end(&b);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("task");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_step_runs_in_a_thread_and_comes_back);
    tcase_add_test(all, a_storm_of_one_delays_another_by_what_is_in_threads);
    tcase_add_test(all, lanes_take_turns);
    tcase_add_test(all, a_lane_has_few_threads_of_its_own);
    tcase_add_test(all, steps_that_block_do_not_keep_those_that_compute);
    tcase_add_test(all, an_owner_may_go_while_its_step_waits);
    tcase_add_test(all, an_owner_stays_while_its_step_runs);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
