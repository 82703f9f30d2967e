// SPDX-License-Identifier: MIT
//
// host: a server as one worker sees it, and its part in the server's budget of connections. All
// pools on a server draw from one budget, which is shared by all workers (struct budget, atomic).
// When it is spent, the least recently used idle connection of any pool makes room; where none is
// idle the pool stands in the queue of the starved, and is told when a connection ends. One thread
// but for the budget.
#ifndef POOL_HOST_H
#define POOL_HOST_H

#include <stdatomic.h>

#include <uthash.h>

#include "config/config.h"
#include "pool/backend.h"

/* The connections of one server over all workers. Allocated once per server name, never freed while
 * workers run. */
struct budget {
    _Atomic uint32_t used;
    _Atomic uint32_t max; /* 0 = no limit */
};

struct host {
    UT_hash_handle hh; /* by name */
    char *name;
    struct budget *budget;
    struct list idle;    /* idle connections of all pools, the latest used first */
    struct list starved; /* pools that wait for the budget, the longest waiting first */
    uint32_t pools;      /* pools that have a connection or are starved */
};

/* A pool's place among the starved. */
struct host_claim {
    struct list node;
    void (*on_room)(struct host_claim *claim); /* there may be room now: try again */
};

struct host *host_find_or_add(struct host **hosts, const char *name, struct budget *budget);
void host_free_all(struct host **hosts);

/* Takes one connection out of the budget, if need be by closing an idle one of another pool. False:
 * the claim now waits. */
bool host_take(struct host *host, struct host_claim *claim);

/* Gives one back, and tells the pool that has waited longest. */
void host_give(struct host *host);

/* Whether a pool that has `count` connections should part with one for those that wait. */
bool host_wants_back(const struct host *host, uint32_t count, bool idle);

#endif
