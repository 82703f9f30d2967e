// SPDX-License-Identifier: MIT
//
// pools: all that one worker has of pools, by key, and what they share: the loop, the contexts, the
// servers, the accounts of the tenants. Everything is a hash look-up. One thread: the worker's.
#ifndef POOL_POOLS_H
#define POOL_POOLS_H

#include "base/slab.h"
#include "pool/crew.h"
#include "pool/gates.h"
#include "pool/levels.h"
#include "pool/pool.h"
#include "pool/pool_key.h"
#include "pool/switch.h"

struct pools {
    struct loop *loop;
    struct crew *crew;        /* all workers; NULL where there is but this one */
    uint32_t worker;          /* which of them it is */
    struct pool *pools;       /* uthash by key */
    struct host *hosts;       /* uthash by name */
    struct account *accounts; /* uthash by name */
    struct context_table contexts;
    struct switch_texts switch_texts;
    struct slab backends;
    uint64_t next_id;      /* numbers of connections: multiples of CREW_IDS */
    uint32_t count;        /* connections in any state, of all pools */
    bool draining;         /* nothing new is started */
    bool closed;           /* everything is */
    struct list lingering; /* connections whose servers have not closed their ends yet */
    /* The budget of a server by name, shared by all workers. */
    struct budget *(*budget)(void *data, const char *server);
    /* TLS for a server by name, as configured now; NULL for none. May be NULL. */
    struct tls_context *(*server_tls)(void *data, const char *server);
    void *data;
    /* A server refused the pool's secret: fetch it anew and give it to supply_take_secret; false
     * where that cannot be. May be NULL. */
    bool (*renew_secret)(struct pool *pool);
    void (*on_connection_gone)(struct pools *pools); /* for a drain; may be NULL */
    struct gates gates;                              /* what the console has shut */
    struct levels levels; /* tenants that are logged at levels of their own */
    uint64_t slow_wait;   /* ms: who waits as long is told of in the log; 0: nobody */
    struct list watches;  /* told whenever a connection was released or has gone */
};

/* Somebody who waits for pools to come to rest. The callback may look, and take itself out of the
 * list, but must change nothing else. */
struct pools_watch {
    struct list node; /* in pools.watches while waiting */
    void (*on_change)(struct pools_watch *watch);
};

static inline void pools_tell_watches(struct pools *pools)
{
    list_each_safe (node, tmp, &pools->watches) {
        struct pools_watch *watch = container_of(node, struct pools_watch, node);
        watch->on_change(watch);
    }
}

static inline struct tls_context *pools_server_tls(const struct pools *pools, const char *server)
{
    return pools->server_tls == NULL ? NULL : pools->server_tls(pools->data, server);
}

void pools_init(struct pools *pools, struct loop *loop,
                struct budget *(*budget)(void *data, const char *server), void *data);

/* Closes every connection; memory follows in later turns of the loop, after which pools_fini may be
 * called. */
void pools_close(struct pools *pools);
void pools_fini(struct pools *pools);

/* The worker on which a pool lives. */
static inline uint32_t pools_worker_of(const struct pools *pools, const struct pool_key *key)
{
    return pools->crew == NULL ? pools->worker : pool_key_worker(key, pools->crew->count);
}

/* What a pool is made from. */
struct pool_order {
    const struct pool_key *key;
    const struct plan *plan;
    const struct pool_config *settings; /* the tenant's, for the pool as a whole */
    const struct config *config;
    const char *secret;      /* opens its connections: plain or md5…; NULL for none; copied */
    uint32_t epoch;          /* CREDENTIAL_TENANT: which one in a row the secret is */
    const char *replication; /* the mode in which its one client replicates; NULL for others */
};

/* The pool of a key, made when it is new; its settings and secret become those of the order.
 * ERR_CONFIG where the server is not configured. */
struct pool *pools_find_or_add(struct pools *pools, const struct pool_order *order,
                               struct err *err);

/* The account of a tenant, made when it is new. */
struct account *pools_account(struct pools *pools, struct slice tenant);

/* Logs a tenant at a level of its own, or as all others. */
void pools_set_level(struct pools *pools, struct slice tenant, uint8_t level);

/* A tenant has links to spare again: its lanes that stand aside for its limit may go on. */
void pools_retry_full(struct pools *pools, const char *tenant);

/* Shuts or opens something, and lets the pools concerned follow. */
void pools_shut(struct pools *pools, enum gate_kind kind, struct slice name, uint32_t flags);
void pools_open(struct pools *pools, enum gate_kind kind, struct slice name, uint32_t flags);
void pools_shut_all(struct pools *pools, uint32_t flags);
void pools_open_all(struct pools *pools, uint32_t flags);

/* Makes every pool use another configuration: connections whose server changed are retired. */
void pools_reconfigure(struct pools *pools, const struct config *config);

#endif
