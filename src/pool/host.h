// SPDX-License-Identifier: MIT
//
// host: a server as one worker sees it, and its part in the server's budget of connections. All
// pools on a server draw from one budget, which is shared by all workers (struct budget, atomic).
// When it is spent the pool stands in the queue of the starved, and the least recently used idle
// connection of any pool makes room, if there is one; else the other workers are asked to close
// one. A place comes back when the server has closed its end of the connection, or after a time:
// before, it counts there as well. It is handed on: to the workers that starve in turn, and there
// to the pool that has waited longest. One thread but for the budget.
#ifndef POOL_HOST_H
#define POOL_HOST_H

#include <stdatomic.h>

#include <uthash.h>

#include "config/config.h"
#include "pool/backend.h"
#include "pool/pool_stats.h"

struct pools;

/* The connections of one server over all workers. Allocated once per server name, never freed while
 * workers run. */
struct budget {
    _Atomic uint32_t used;
    _Atomic uint32_t max;      /* 0 = no limit */
    _Atomic uint32_t pools;    /* pools that have a connection or are starved */
    _Atomic uint64_t starving; /* workers where pools are starved, by bits */
    _Atomic uint32_t turn;     /* the worker that a place was handed to last */
};

struct host {
    UT_hash_handle hh; /* by name */
    char *name;
    struct pools *owner;
    struct budget *budget;
    struct list idle;    /* idle connections of all pools, the latest used first */
    struct list starved; /* pools that wait for the budget, the longest waiting first */
    uint32_t starved_count;
    uint32_t leaving;       /* connections that are closed, and whose places are not back yet */
    uint32_t spare;         /* places that were handed here and are not used yet */
    bool asked;             /* the other workers know that somebody starves here */
    struct pool_stats past; /* of its pools that are gone */
};

/* A pool's place among the starved. */
struct host_claim {
    struct list node;
    void (*on_room)(struct host_claim *claim); /* there may be room now: try again */
};

struct host *host_find_or_add(struct pools *owner, const char *name, struct budget *budget);
void host_free_all(struct host **hosts);

/* Takes one connection out of the budget. False: the claim now waits, and where nothing else is on
 * its way back an idle connection of any pool is closed for it. */
bool host_take(struct host *host, struct host_claim *claim);

/* Gives one back, or hands it to who starves. */
void host_give(struct host *host);

/* The same in two steps, for a connection whose server has not closed its end yet: one that is busy
 * would refuse the next. */
void host_give_later(struct host *host);
void host_given(struct host *host);

/* Another worker's place has come here. */
void host_receive_place(struct host *host);

/* Closes the connection that was idle longest, if any is. */
void host_close_idle(struct host *host);

/* The budget may have grown: serves who starves here. */
void host_retry(struct host *host);

/* Nobody here waits any more: nothing new is started. */
void host_leave(struct host *host);

/* The pool waits no longer. Idempotent. */
void host_withdraw(struct host *host, struct host_claim *claim);

/* Whether more pools wait than places are on their way back. */
static inline bool host_is_short(const struct host *host)
{
    return host->starved_count > host->leaving;
}

/* Whether a pool that has `count` connections should part with one for those that wait. */
bool host_wants_back(const struct host *host, uint32_t count, bool idle);

#endif
