// SPDX-License-Identifier: MIT
#include "loops.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>

#include "base/alloc.h"

/* What works bring about just before the loop waits is seen when it wakes: so late at most. */
#define WAKE 5 /* ms */

/* Wakes the loop, and barks when the fact has not come. */
struct watchdog {
    uv_timer_t timer;
    uint64_t bound; /* loop time */
    bool barked;
};

static void on_wake(uv_timer_t *timer)
{
    struct watchdog *dog = container_of(timer, struct watchdog, timer);

    dog->barked = uv_now(timer->loop) >= dog->bound;
}

static void on_watchdog_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct watchdog, timer));
}

void loops_begin(struct loop *loop)
{
    ck_assert_int_eq(loop_init(loop), 0);
}

void loops_end(struct loop *loop)
{
    loop_fini(loop);
}

void loops_until(struct loop *loop, bool (*holds)(void *data), void *data, const char *what)
{
    struct watchdog *dog = x_zalloc(sizeof *dog);

    (void)uv_timer_init(&loop->uv, &dog->timer);
    (void)uv_update_time(&loop->uv);
    dog->bound = uv_now(&loop->uv) + LOOPS_BOUND;
    (void)uv_timer_start(&dog->timer, on_wake, WAKE, WAKE);
    while (!holds(data) && !dog->barked) {
        loop_turn(loop, true);
    }
    bool barked = dog->barked;
    uv_close((uv_handle_t *)&dog->timer, on_watchdog_closed);
    ck_assert_msg(!barked || holds(data), "did not come true: %s", what);
}

struct count_fact {
    const int *count;
    int value;
};

static bool count_is_reached(void *data)
{
    const struct count_fact *fact = data;

    return *fact->count >= fact->value;
}

void loops_until_count(struct loop *loop, const int *count, int value, const char *what)
{
    struct count_fact fact = {.count = count, .value = value};

    loops_until(loop, count_is_reached, &fact, what);
}

static bool flag_is_set(void *data)
{
    return *(const bool *)data;
}

void loops_until_set(struct loop *loop, const bool *flag, const char *what)
{
    loops_until(loop, flag_is_set, (void *)(uintptr_t)flag, what);
}

int loops_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 3; /* ".", ".." and the directory itself */
}
