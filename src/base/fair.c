// SPDX-License-Identifier: MIT
#include "base/fair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"

struct fair_lane {
    UT_hash_handle hh; /* by name */
    struct fair *fair;
    struct list node;    /* in fair.turns, while one that waits may be taken */
    struct list waiting; /* in the order in which they came */
    uint32_t out;        /* that were taken and are not done */
    uint8_t name_size;
    char name[FAIR_NAME];
};

void fair_init(struct fair *fair, uint32_t most)
{
    *fair = (struct fair){.most = most};
    list_init(&fair->turns);
}

static struct fair_lane *find_or_add(struct fair *fair, struct slice name)
{
    struct fair_lane *lane;
    size_t size = name.n < FAIR_NAME ? name.n : FAIR_NAME;

    HASH_FIND(hh, fair->lanes, name.p, size, lane);
    if (lane == NULL) {
        lane = x_zalloc(sizeof *lane);
        lane->fair = fair;
        list_init(&lane->node);
        list_init(&lane->waiting);
        lane->name_size = (uint8_t)size;
        if (size > 0) {
            memcpy(lane->name, name.p, size);
        }
        HASH_ADD(hh, fair->lanes, name, size, lane);
    }
    return lane;
}

/* Lets it stand for a turn, or not; one that has nothing any more goes. */
static void follow(struct fair_lane *lane)
{
    struct fair *fair = lane->fair;

    if (list_empty(&lane->waiting)) {
        list_remove(&lane->node);
        if (lane->out == 0) {
            HASH_DEL(fair->lanes, lane);
            free(lane);
        }
    } else if (list_empty(&lane->node) && lane->out < fair->most) {
        list_push_tail(&fair->turns, &lane->node);
    }
}

struct fair_lane *fair_push(struct fair *fair, struct slice name, struct list *node)
{
    struct fair_lane *lane = find_or_add(fair, name);

    list_push_tail(&lane->waiting, node);
    follow(lane);
    return lane;
}

struct list *fair_take(struct fair *fair)
{
    if (list_empty(&fair->turns)) {
        return NULL;
    }
    struct fair_lane *lane = container_of(list_pop_head(&fair->turns), struct fair_lane, node);
    struct list *node = list_pop_head(&lane->waiting);
    lane->out++;
    follow(lane);
    return node;
}

void fair_remove(struct fair_lane *lane, struct list *node)
{
    list_remove(node);
    follow(lane);
}

void fair_done(struct fair_lane *lane)
{
    assert(lane->out > 0);
    lane->out--;
    follow(lane);
}

bool fair_empty(const struct fair *fair)
{
    return fair->lanes == NULL;
}

bool fair_ready(const struct fair *fair)
{
    return !list_empty(&fair->turns);
}
