// SPDX-License-Identifier: MIT
#include "net/loop.h"

#include "loops.h"
#include "testing.h"

/* Work that counts its runs and may queue another. */
struct counter {
    struct work work;
    struct loop *loop;
    struct work *next; /* queued by the run; NULL for none */
    int runs;
};

static void count(struct work *work)
{
    struct counter *c = container_of(work, struct counter, work);

    c->runs++;
    if (c->next != NULL) {
        loop_defer(c->loop, c->next);
    }
}

static struct counter counter_of(struct loop *loop)
{
    return (struct counter){.loop = loop};
}

/* A one-shot timer whose callback runs what the test says. */
struct trigger {
    uv_timer_t timer;
    void (*run)(struct trigger *trigger);
    void *data;
    bool fired;
};

static void on_trigger(uv_timer_t *timer)
{
    struct trigger *t = container_of(timer, struct trigger, timer);

    t->run(t);
    t->fired = true;
    uv_close((uv_handle_t *)timer, NULL);
}

static void pull(struct trigger *t, struct loop *loop, void (*run)(struct trigger *trigger),
                 void *data)
{
    *t = (struct trigger){.run = run, .data = data};
    (void)uv_timer_init(&loop->uv, &t->timer);
    (void)uv_timer_start(&t->timer, on_trigger, 0, 0);
}

static void defer_twice(struct trigger *t)
{
    struct counter *c = t->data;

    loop_defer(c->loop, &c->work);
    loop_defer(c->loop, &c->work);
    ck_assert_int_eq(c->runs, 0);
}

START_TEST(work_runs_when_the_callback_is_done_and_once)
{
    struct loop loop;
    struct trigger t;
    loops_begin(&loop);
    struct counter c = counter_of(&loop);
    work_init(&c.work, count);

    pull(&t, &loop, defer_twice, &c);
    loops_until_true(&loop, &t.fired);
    loops_until_is(&loop, &c.runs, 1);

    loop_run(&loop);
    ck_assert_int_eq(c.runs, 1);
    loops_end(&loop);
}
END_TEST

static void defer_once(struct trigger *t)
{
    struct counter *c = t->data;

    loop_defer(c->loop, &c->work);
}

START_TEST(work_queued_by_work_runs_in_the_same_pass)
{
    struct loop loop;
    struct trigger t;
    loops_begin(&loop);
    struct counter second = counter_of(&loop);
    work_init(&second.work, count);
    struct counter first = counter_of(&loop);
    work_init(&first.work, count);
    first.next = &second.work;

    pull(&t, &loop, defer_once, &first);
    loops_until_is(&loop, &first.runs, 1);

    ck_assert_int_eq(second.runs, 1);
    loop_run(&loop);
    loops_end(&loop);
}
END_TEST

START_TEST(work_that_was_done_may_be_queued_again)
{
    struct loop loop;
    struct trigger t;
    loops_begin(&loop);
    struct counter c = counter_of(&loop);
    work_init(&c.work, count);

    pull(&t, &loop, defer_once, &c);
    loop_run(&loop);
    pull(&t, &loop, defer_once, &c);
    loop_run(&loop);

    ck_assert_int_eq(c.runs, 2);
    loops_end(&loop);
}
END_TEST

START_TEST(an_empty_loop_returns_at_once)
{
    struct loop loop;
    loops_begin(&loop);

    loop_run(&loop);

    ck_assert(list_empty(&loop.works));
    loops_end(&loop);
}
END_TEST

static void stop(struct trigger *t)
{
    loop_stop(t->data);
}

START_TEST(loop_stop_ends_a_run_that_has_more_to_wait_for)
{
    struct loop loop;
    struct trigger t;
    struct trigger never;
    loops_begin(&loop);
    (void)uv_timer_init(&loop.uv, &never.timer);
    (void)uv_timer_start(&never.timer, on_trigger, 3600 * 1000, 0);

    pull(&t, &loop, stop, &loop);
    loop_run(&loop);

    ck_assert(t.fired);
    uv_close((uv_handle_t *)&never.timer, NULL);
    loops_end(&loop);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("loop");
    TCase *all = tcase_create("all");

    tcase_add_test(all, work_runs_when_the_callback_is_done_and_once);
    tcase_add_test(all, work_queued_by_work_runs_in_the_same_pass);
    tcase_add_test(all, work_that_was_done_may_be_queued_again);
    tcase_add_test(all, an_empty_loop_returns_at_once);
    tcase_add_test(all, loop_stop_ends_a_run_that_has_more_to_wait_for);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
