// SPDX-License-Identifier: MIT
//
// loops: a real loop in a test. It runs until a fact holds, never for a time or a number of turns;
// a fact that does not come within LOOPS_BOUND fails the case. loops_end proves that nothing is
// left on the loop: loop_fini asserts it.
#ifndef TEST_LOOPS_H
#define TEST_LOOPS_H

#include <stdbool.h>

#include "net/loop.h"

#define LOOPS_BOUND 20000 /* ms; only a failing case takes as long */

void loops_begin(struct loop *loop);
void loops_end(struct loop *loop);

/* Runs until the fact holds; `what` is said where it does not come true. */
void loops_until(struct loop *loop, bool (*holds)(void *data), void *data, const char *what);

/* Runs until a counter has reached a value. */
void loops_until_count(struct loop *loop, const int *count, int value, const char *what);

/* Runs until a flag is set. */
void loops_until_set(struct loop *loop, const bool *flag, const char *what);

#define loops_until_is(loop, count, value) loops_until_count(loop, count, value, #count)
#define loops_until_true(loop, flag)       loops_until_set(loop, flag, #flag)

/* Descriptors that this process has open. */
int loops_descriptors(void);

#endif
