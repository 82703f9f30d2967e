// SPDX-License-Identifier: MIT
#include "net/watch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loops.h"
#include "testing.h"

/* One end of a pair of sockets that is watched; what it was told. */
struct eye {
    struct watch watch;
    struct loop *loop;
    struct eye *victim; /* stopped in the callback */
    int other;          /* the other end */
    int told;           /* calls */
    int events;         /* of the last one */
    int closed;
};

static void on_events(struct watch *watch, int events)
{
    struct eye *eye = container_of(watch, struct eye, watch);

    eye->told++;
    eye->events = events;
    if (eye->victim != NULL) {
        watch_stop(&eye->victim->watch, &eye->loop->poller);
        eye->victim = NULL;
    }
}

static void on_closed(struct watch *watch, int events)
{
    struct eye *eye = container_of(watch, struct eye, watch);

    ck_assert_int_eq(events, 0);
    eye->closed++;
}

static void open_eye(struct eye *eye, struct loop *loop, int events)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *eye = (struct eye){.loop = loop, .other = fds[1]};
    ck_assert_int_eq(watch_start(&eye->watch, &loop->poller, fds[0], events, on_events), 0);
}

static void close_fds(const struct eye *eye)
{
    (void)close(eye->watch.fd);
    (void)close(eye->other);
}

static void close_eye(struct eye *eye)
{
    watch_stop(&eye->watch, &eye->loop->poller);
    close_fds(eye);
}

static void poke(const struct eye *eye)
{
    ck_assert_int_eq(write(eye->other, "x", 1), 1);
}

START_TEST(what_was_asked_for_is_told_and_nothing_else)
{
    struct loop loop;
    struct eye eye;
    loops_begin(&loop);
    open_eye(&eye, &loop, WATCH_READABLE); /* it could be written as well */

    poke(&eye);
    loop_turn(&loop, true);

    ck_assert_int_eq(eye.told, 1);
    ck_assert_int_eq(eye.events, WATCH_READABLE);
    close_eye(&eye);
    loops_end(&loop);
}
END_TEST

START_TEST(who_asks_for_nothing_is_told_nothing)
{
    struct loop loop;
    struct eye eye;
    loops_begin(&loop);
    open_eye(&eye, &loop, WATCH_READABLE);

    watch_set(&eye.watch, &loop.poller, 0);
    poke(&eye);
    ck_assert_int_eq(shutdown(eye.other, SHUT_RDWR), 0);
    loop_turn(&loop, false);
    ck_assert_int_eq(eye.told, 0);
    watch_set(&eye.watch, &loop.poller, WATCH_READABLE);
    loop_turn(&loop, true);

    ck_assert_int_eq(eye.told, 1);
    close_eye(&eye);
    loops_end(&loop);
}
END_TEST

START_TEST(a_peer_that_left_is_told_as_what_was_asked_for)
{
    struct loop loop;
    struct eye eye;
    loops_begin(&loop);
    open_eye(&eye, &loop, WATCH_LEFT);

    ck_assert_int_eq(shutdown(eye.other, SHUT_RDWR), 0);
    loop_turn(&loop, true);

    ck_assert_int_eq(eye.events, WATCH_LEFT);
    close_eye(&eye);
    loops_end(&loop);
}
END_TEST

START_TEST(a_failure_is_told_unasked)
{
    struct loop loop;
    struct eye eye = {.loop = &loop};
    int fds[2];
    loops_begin(&loop);
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_eq(watch_start(&eye.watch, &loop.poller, fds[1], WATCH_READABLE, on_events), 0);

    (void)close(fds[0]);
    loop_turn(&loop, true);

    ck_assert_int_eq(eye.events, WATCH_FAILED);
    watch_stop(&eye.watch, &loop.poller);
    (void)close(fds[1]);
    loops_end(&loop);
}
END_TEST

/* Both are ready in one batch; whichever comes first stops the other. */
START_TEST(an_event_that_was_fetched_is_dropped_with_its_watch)
{
    struct loop loop;
    struct eye eyes[2];
    loops_begin(&loop);
    open_eye(&eyes[0], &loop, WATCH_READABLE);
    open_eye(&eyes[1], &loop, WATCH_READABLE);
    eyes[0].victim = &eyes[1];
    eyes[1].victim = &eyes[0];

    poke(&eyes[0]);
    poke(&eyes[1]);
    loop_turn(&loop, true);

    ck_assert_int_eq(eyes[0].told + eyes[1].told, 1);
    struct eye *left = eyes[0].told == 1 ? &eyes[0] : &eyes[1];
    watch_stop(&left->watch, &loop.poller);
    close_fds(&eyes[0]);
    close_fds(&eyes[1]);
    loops_end(&loop);
}
END_TEST

START_TEST(who_is_closed_is_told_later_and_once)
{
    struct loop loop;
    struct eye eye;
    loops_begin(&loop);
    open_eye(&eye, &loop, WATCH_READABLE);

    poke(&eye);
    watch_close(&eye.watch, &loop.poller, on_closed);
    ck_assert_int_eq(eye.closed, 0);
    loop_run(&loop);

    ck_assert_int_eq(eye.closed, 1);
    ck_assert_int_eq(eye.told, 0);
    close_fds(&eye);
    loops_end(&loop);
}
END_TEST

static void on_soon(struct deadline *deadline)
{
    (void)deadline;
}

static bool is_over(void *data)
{
    return !deadline_armed(data);
}

START_TEST(a_socket_that_is_always_ready_keeps_no_deadline_waiting)
{
    struct loop loop;
    struct eye eye;
    struct deadline soon;
    loops_begin(&loop);
    open_eye(&eye, &loop, WATCH_READABLE);
    deadline_init(&soon);

    poke(&eye); /* nobody reads it */
    deadline_arm(&loop.deadlines, &soon, 20, on_soon);
    loops_until(&loop, is_over, &soon, "the deadline");

    ck_assert_int_gt(eye.told, 0);
    close_eye(&eye);
    loops_end(&loop);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("watch");
    TCase *all = tcase_create("all");

    tcase_add_test(all, what_was_asked_for_is_told_and_nothing_else);
    tcase_add_test(all, who_asks_for_nothing_is_told_nothing);
    tcase_add_test(all, a_peer_that_left_is_told_as_what_was_asked_for);
    tcase_add_test(all, a_failure_is_told_unasked);
    tcase_add_test(all, an_event_that_was_fetched_is_dropped_with_its_watch);
    tcase_add_test(all, who_is_closed_is_told_later_and_once);
    tcase_add_test(all, a_socket_that_is_always_ready_keeps_no_deadline_waiting);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
