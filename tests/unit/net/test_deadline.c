// SPDX-License-Identifier: MIT
#include "net/deadline.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "loops.h"
#include "testing.h"

/* What fired, in order. */
struct record {
    struct loop loop;
    int fired;
    int order[16];
};

struct probe {
    struct deadline deadline;
    struct record *record;
    int number;
    int again;           /* arms itself so many times more */
    struct probe *other; /* for the callbacks that touch another one */
    uint64_t fired_at;
};

static void begin(struct record *r)
{
    *r = (struct record){0};
    loops_begin(&r->loop);
}

static struct probe probe_of(struct record *r, int number)
{
    return (struct probe){.record = r, .number = number};
}

static void on_fire(struct deadline *d)
{
    struct probe *p = container_of(d, struct probe, deadline);
    struct record *r = p->record;

    if (r->fired < (int)(sizeof r->order / sizeof r->order[0])) {
        r->order[r->fired] = p->number;
    }
    r->fired++;
    p->fired_at = loop_now(&r->loop);
}

static void arm(struct probe *p, uint64_t ms)
{
    if (p->deadline.node.next == NULL) {
        deadline_init(&p->deadline);
    }
    deadline_arm(&p->record->loop.deadlines, &p->deadline, ms, on_fire);
}

START_TEST(it_fires_once_and_not_before_its_time)
{
    struct record r;
    begin(&r);
    struct probe p = probe_of(&r, 1);
    uint64_t since = loop_now(&r.loop);

    arm(&p, 25);
    ck_assert(deadline_armed(&p.deadline));
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 1);
    ck_assert_uint_ge(p.fired_at - since, 25);
    ck_assert(!deadline_armed(&p.deadline));
    loops_end(&r.loop);
}
END_TEST

START_TEST(those_of_one_length_fire_in_the_order_of_arming)
{
    struct record r;
    begin(&r);
    struct probe first = probe_of(&r, 1);
    struct probe second = probe_of(&r, 2);
    struct probe third = probe_of(&r, 3);

    arm(&first, 15);
    arm(&second, 15);
    arm(&third, 15);
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 3);
    ck_assert_int_eq(r.order[0], 1);
    ck_assert_int_eq(r.order[1], 2);
    ck_assert_int_eq(r.order[2], 3);
    loops_end(&r.loop);
}
END_TEST

START_TEST(a_shorter_one_armed_later_fires_first)
{
    struct record r;
    begin(&r);
    struct probe slow = probe_of(&r, 1);
    struct probe quick = probe_of(&r, 2);

    arm(&slow, 200);
    arm(&quick, 20);
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 2);
    ck_assert_int_eq(r.order[0], 2);
    ck_assert_int_eq(r.order[1], 1);
    loops_end(&r.loop);
}
END_TEST

START_TEST(arming_anew_replaces_what_was_armed)
{
    struct record r;
    begin(&r);
    struct probe p = probe_of(&r, 1);
    uint64_t since = loop_now(&r.loop);

    arm(&p, 10);
    arm(&p, 60);
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 1);
    ck_assert_uint_ge(p.fired_at - since, 60);
    loops_end(&r.loop);
}
END_TEST

START_TEST(no_limit_disarms)
{
    struct record r;
    begin(&r);
    struct probe p = probe_of(&r, 1);

    arm(&p, 10);
    arm(&p, 0);
    ck_assert(!deadline_armed(&p.deadline));
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 0);
    loops_end(&r.loop);
}
END_TEST

static void on_fire_again(struct deadline *d)
{
    struct probe *p = container_of(d, struct probe, deadline);

    on_fire(d);
    if (p->again-- > 0) {
        deadline_arm(&p->record->loop.deadlines, d, 10, on_fire_again);
    }
}

START_TEST(it_may_be_armed_again_inside_its_callback)
{
    struct record r;
    begin(&r);
    struct probe p = probe_of(&r, 1);
    p.again = 4;
    deadline_init(&p.deadline);

    deadline_arm(&r.loop.deadlines, &p.deadline, 10, on_fire_again);
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 5);
    loops_end(&r.loop);
}
END_TEST

static void on_fire_arm_other(struct deadline *d)
{
    struct probe *p = container_of(d, struct probe, deadline);

    on_fire(d);
    arm(p->other, 7);
}

START_TEST(a_new_length_armed_inside_a_callback_fires_too)
{
    struct record r;
    begin(&r);
    struct probe p = probe_of(&r, 1);
    struct probe other = probe_of(&r, 2);
    p.other = &other;
    deadline_init(&p.deadline);

    deadline_arm(&r.loop.deadlines, &p.deadline, 10, on_fire_arm_other);
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 2);
    ck_assert_int_eq(r.order[1], 2);
    loops_end(&r.loop);
}
END_TEST

static void on_fire_disarm_other(struct deadline *d)
{
    struct probe *p = container_of(d, struct probe, deadline);

    on_fire(d);
    deadline_disarm(&p->other->deadline);
}

START_TEST(one_disarmed_by_anothers_callback_of_the_same_moment_does_not_fire)
{
    struct record r;
    begin(&r);
    struct probe p = probe_of(&r, 1);
    struct probe other = probe_of(&r, 2);
    p.other = &other;
    deadline_init(&p.deadline);

    deadline_arm(&r.loop.deadlines, &p.deadline, 10, on_fire_disarm_other);
    arm(&other, 10);
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 1);
    ck_assert_int_eq(r.order[0], 1);
    loops_end(&r.loop);
}
END_TEST

#define MANY 20000

/* Every third one stays armed. */
START_TEST(of_thousands_only_those_that_stay_armed_fire)
{
    struct record r;
    begin(&r);
    struct probe *many = x_zalloc(MANY * sizeof *many);

    for (int i = 0; i < MANY; i++) {
        many[i] = probe_of(&r, i);
        arm(&many[i], (uint64_t)(20 + i % 7));
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 3 != 0) {
            deadline_disarm(&many[i].deadline);
        }
    }
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, (MANY + 2) / 3);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(many[i].fired_at != 0, i % 3 == 0);
    }
    free(many);
    loops_end(&r.loop);
}
END_TEST

START_TEST(an_armed_one_that_is_disarmed_leaves_a_loop_that_ends)
{
    struct record r;
    begin(&r);
    struct probe p = probe_of(&r, 1);

    arm(&p, 30);
    deadline_disarm(&p.deadline);
    loop_run(&r.loop);

    ck_assert_int_eq(r.fired, 0);
    loops_end(&r.loop);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("deadline");
    TCase *all = tcase_create("all");

    tcase_add_test(all, it_fires_once_and_not_before_its_time);
    tcase_add_test(all, those_of_one_length_fire_in_the_order_of_arming);
    tcase_add_test(all, a_shorter_one_armed_later_fires_first);
    tcase_add_test(all, arming_anew_replaces_what_was_armed);
    tcase_add_test(all, no_limit_disarms);
    tcase_add_test(all, it_may_be_armed_again_inside_its_callback);
    tcase_add_test(all, a_new_length_armed_inside_a_callback_fires_too);
    tcase_add_test(all, one_disarmed_by_anothers_callback_of_the_same_moment_does_not_fire);
    tcase_add_test(all, of_thousands_only_those_that_stay_armed_fire);
    tcase_add_test(all, an_armed_one_that_is_disarmed_leaves_a_loop_that_ends);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
