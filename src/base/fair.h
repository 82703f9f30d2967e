// SPDX-License-Identifier: MIT
//
// fair: who waits, in lanes by name; each lane in order, the lanes in turns. So whoever has many
// that wait delays one of another lane by what was taken already, and by one of each other lane.
// What was taken from a lane counts until it is done; a lane with as many as it may have out has no
// turn. Pushing, taking and removing cost the same however many wait. What waits is a list node of
// its owner's. A lane is there while something of it waits or is out. One thread.
#ifndef BASE_FAIR_H
#define BASE_FAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

#define FAIR_NAME 64 /* bytes of a lane's name; of a longer one the first ones count */

struct fair_lane;

struct fair {
    struct fair_lane *lanes; /* uthash by name */
    struct list turns;       /* lanes that may be taken from, the next one first */
    uint32_t most;           /* of a lane that may be out */
};

void fair_init(struct fair *fair, uint32_t most);

/* At the end of the lane, which is told, to remove it by. */
struct fair_lane *fair_push(struct fair *fair, struct slice lane, struct list *node);

/* The next in turn, which is out then; NULL where nothing waits that may be taken. */
struct list *fair_take(struct fair *fair);

/* It waits no more, and was not taken. */
void fair_remove(struct fair_lane *lane, struct list *node);

/* One that was taken from the lane is done. */
void fair_done(struct fair_lane *lane);

/* Nothing waits, nothing is out. */
bool fair_empty(const struct fair *fair);

/* Something waits that may be taken. */
bool fair_ready(const struct fair *fair);

#endif
