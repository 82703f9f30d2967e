// SPDX-License-Identifier: MIT
//
// lane: one tenant's place at one pool: the queue of those who wait for a connection, and the scope
// of the tenant's contexts. Lanes with waiters stand in a ring and are served in turn, as often in
// a row as the tenant's weight says, so that a tenant with many waiters delays another by one
// query. A lane that is held (by an order of the console, or because its tenant has all the links
// that it may have) stands aside with its waiters.
//
// Lanes live as long as their pool, on its thread.
#ifndef POOL_LANE_H
#define POOL_LANE_H

#include <uthash.h>

#include "config/config.h"
#include "pool/account.h"
#include "pool/backend.h"
#include "pool/seal.h"
#include "tenant/context.h"

struct birth;
struct pool;
struct pool_request;

enum {
    HELD_BY_ORDER = 1, /* PAUSE TENANT */
    HELD_FULL = 2      /* its tenant has all the links it may have */
};

/* One tenant's place at one pool: its queue there, and the scope of its contexts. Lives as long as
 * the pool. */
struct lane {
    UT_hash_handle hh; /* by account, in pool.lanes */
    struct account *account;
    struct account_stats *stats; /* of the account in the pool's database */
    struct pool *pool;
    struct list waiters;      /* requests, the longest waiting first */
    struct list ring_node;    /* in pool.ring while it has waiters and is not held */
    uint32_t weight;          /* turns in a row */
    uint32_t credit;          /* turns left of this round */
    uint32_t connections_max; /* links of its account at once, over all workers; 0 = no limit */
    uint32_t counted;         /* links of this lane that the account's quota knows of */
    uint32_t waiting;         /* requests in its queue */
    uint8_t held;             /* why its waiters are granted nothing: HELD_* bits */
    struct list full_node;    /* in account.full_lanes while HELD_FULL */
    enum reset_policy reset;
    struct seal_key seal; /* not set where the tenant is not sealed */
};

struct pool_request_ops {
    void (*on_granted)(struct pool_request *request, struct backend *backend);
    void (*on_refused)(struct pool_request *request, const struct err *err);
};

/* Embedded in the client. After on_granted or on_refused, or pool_withdraw, it is not queued. */
struct pool_request {
    struct list node;
    struct list queue_node; /* while queued: in pool.queue */
    struct lane *lane;
    struct context *context; /* what the client needs; its reference is the client's */
    struct birth *birth;     /* what its connection must have begun with; its reference as well */
    uint64_t since;          /* loop time at which it was queued */
    uint64_t client;         /* number of the client, for the log */
    const struct pool_request_ops *ops;
};

/* NULL where the account has none at this pool. */
struct lane *lane_find(struct pool *pool, struct account *account);

/* Made when it is new; the tenant's reset policy and weight are brought up to date. */
struct lane *lane_find_or_add(struct pool *pool, struct account *account,
                              const struct tenant_config *tenant);
void lane_free_all(struct pool *pool);

/* Whose context it is. */
static inline const struct lane *context_lane(const struct context *context)
{
    return context->scope;
}

/* Holds a lane for one of the reasons HELD_*, or no longer for that one. */
void lane_hold(struct lane *lane, uint8_t why, bool held);

/* Counts a link, for lane_unlink to end; false where its tenant has all that it may have: then the
 * lane stands aside. */
bool lane_link(struct lane *lane);

/* A link has ended: the tenant's lanes may go on, here and on other workers. There are as many as
 * pools that it uses. */
void lane_unlink(struct lane *lane);

/* Lanes that stood aside for the limit may go on; those of other pools than `but` are served at the
 * end of the turn. */
void lane_retry_full(struct account *account, const struct pool *but);

/* Something that a client of the lane did took so long; counted for its tenant and its pool. */
void lane_note_time(struct lane *lane, enum time_kind kind, uint64_t ms);

void lane_enqueue(struct pool_request *request);

/* Takes a queued request back. Idempotent. */
void lane_withdraw(struct pool_request *request);

static inline bool lane_queued(const struct pool_request *request)
{
    return !list_empty(&request->node);
}

/* The lane whose turn it is, with a link counted; those whose tenants are full stand aside. NULL
 * where nobody waits. */
struct lane *lane_in_turn(struct pool *pool);

/* The request that has waited longest in a lane that has any. */
static inline struct pool_request *lane_first(const struct lane *lane)
{
    return container_of(list_head(&lane->waiters), struct pool_request, node);
}

/* Takes out that request; one that has used up its credit goes to
 * the end of the ring. */
struct pool_request *lane_next_request(struct lane *lane);

/* Every one that waits and is not held hears this error. */
void lane_refuse_all(struct pool *pool, const struct err *err);

/* The same, of those alone that wait for a connection of this birth. */
void lane_refuse_born(struct pool *pool, const struct birth *birth, const struct err *err);

#endif
