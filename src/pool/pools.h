// SPDX-License-Identifier: MIT
//
// pools: all that one worker has of pools, by key, and what they share: the loop, the contexts, the
// servers, the accounts of the tenants. Everything is a hash look-up. One thread: the worker's.
#ifndef POOL_POOLS_H
#define POOL_POOLS_H

#include "base/slab.h"
#include "pool/pool.h"
#include "tenant/plan.h"

struct pools {
    struct loop *loop;
    struct pool *pools;       /* uthash by key */
    struct host *hosts;       /* uthash by name */
    struct account *accounts; /* uthash by name */
    struct context_table contexts;
    struct slab backends;
    uint64_t next_id; /* of connections */
    uint32_t count;   /* connections in any state, of all pools */
    bool draining;    /* nothing new is started */
    /* The budget of a server by name, shared by all workers. */
    struct budget *(*budget)(void *data, const char *server);
    void *data;
    void (*on_connection_gone)(struct pools *pools); /* for a drain; may be NULL */
};

void pools_init(struct pools *pools, struct loop *loop,
                struct budget *(*budget)(void *data, const char *server), void *data);

/* Closes every connection; memory follows in later turns of the loop, after which pools_fini may be
 * called. */
void pools_close(struct pools *pools);
void pools_fini(struct pools *pools);

/* The pool of a plan, made when it is new. `secret` opens its connections: plain or md5…, NULL for
 * none; it is copied, and replaces what was there. ERR_CONFIG where the server is not configured.
 */
struct pool *pools_find_or_add(struct pools *pools, const struct tenant *tenant,
                               const struct plan *plan, const struct config *config,
                               const char *secret, struct err *err);

/* Makes every pool use another configuration: connections whose server changed are retired. */
void pools_reconfigure(struct pools *pools, const struct config *config);

#endif
