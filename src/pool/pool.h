// SPDX-License-Identifier: MIT
//
// pool: the connections to one server and database as one role, and who waits for them. Clients ask
// with a request; it is granted at once (an idle connection that is already in the client's
// context, else the least recently used idle one, which will be switched), or stands in the queue
// of its tenant. Queues are served in turn, as often in a row as the tenant's weight says, so that
// a tenant with many waiters delays another by one query. Connections are made while somebody
// waits, up to the pool's size and the server's budget; they end by age, by idleness, or when
// another pool needs the room.
//
// When the server cannot be reached, those who wait do so for a grace (the connect timeout), while
// attempts are repeated with growing pauses; then all are refused, and new ones at once, with the
// last error, until an attempt succeeds. When the server refuses a login, all are refused with its
// own words; but where what a client asked for at its login is what it refuses, that client alone.
//
// A pool lives on one worker. It goes when it has neither clients nor connections.
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <uthash.h>

#include "pool/account.h"
#include "pool/backend.h"
#include "pool/birth.h"
#include "pool/credential.h"
#include "pool/host.h"
#include "tenant/plan.h"
#include "pool/lane.h"
#include "pool/pool_stats.h"
#include "secret/store.h"

struct pools;

/* A server refused the secret. */
enum pool_renewal {
    RENEWAL_NONE,
    RENEWAL_ASKED, /* it is being fetched anew; no login is begun meanwhile */
    RENEWAL_READY  /* another was found; logins with the old one may still be failing */
};

struct pool {
    UT_hash_handle hh; /* by key, in pools.pools */
    char *key;         /* server, database, role, and the tenant of a dedicated one; NUL between */
    size_t key_size;
    struct pools *owner;
    struct host *host;
    const struct config *config; /* a reference: what the target points into */
    const struct server_config *server;
    char *database;
    char *role;
    bool dedicated;    /* one tenant only: its settings go into the startup packet */
    char *replication; /* the mode in which its one client replicates; NULL for ordinary pools */
    bool sealed;       /* some tenant is: new connections learn when their process began */
    struct context *startup; /* those settings; a reference, or NULL */
    struct birth *births;    /* uthash by settings */
    struct birth *birth;     /* of the client that came last: what is made in advance has it; a
                                reference, or NULL */
    struct credential credential;
    enum plan_credential secret_from;  /* whose secret that is */
    uint32_t secret_index;             /* CREDENTIAL_FIXED: which of the configuration's */
    const struct config *secret_newer; /* the secret is newer than that of this configuration */
    enum pool_renewal renewal;
    enum store_turn turn; /* which one was fetched last */
    char *refused;        /* the current one, which the server does not take; NULL: it may. Owned */
    uint32_t epoch;       /* CREDENTIAL_TENANT: of a row of derived ones, or of rotated ones */
    struct list own_node; /* CREDENTIAL_TENANT: in its account's own_pools */
    uint64_t renewed;     /* loop time at which it began last; 0: never */

    uint32_t size; /* connections at most; 0 = no limit */
    struct pool_config
        settings; /* of the tenant that asks for the largest size; its strings are not used */
    bool adopted; /* settings are those of the present configuration */

    struct list all;
    struct list idle;   /* the latest used first */
    struct list ring;   /* lanes with waiters, in turn */
    struct list queue;  /* all requests that wait, the longest waiting first */
    struct lane *lanes; /* uthash by account */
    uint32_t count;     /* connections in any state */
    uint32_t idle_count;
    uint32_t connecting; /* of them, not yet logged in */
    uint32_t resetting;  /* of them, free as soon as their reset query has run */
    uint32_t waiting;    /* requests queued */
    uint32_t held;       /* of them, in lanes that are held */
    uint32_t refs;       /* logged-in clients */
    bool reserve_open;   /* the reserve may be used */
    bool paused;         /* nothing is granted */

    struct host_claim claim; /* on the server's budget */
    bool counted;            /* in host.pools */
    bool encrypts;           /* its server refused what was not encrypted, in the mode allow */
    struct err
        failure; /* the last one to connect; code 0 when there was none since the last success */
    size_t first_host;       /* of the server's, to be tried first; any number */
    uint64_t failing_since;  /* loop time of the first of a row */
    uint32_t backoff;        /* ms until the next attempt */
    struct deadline reserve; /* armed: somebody waits, and one beyond the size may be due */
    struct deadline retry;   /* armed: no attempt before it */
    struct work free_work;
    struct work serve_work; /* its lanes may go on */
    uint64_t connects;      /* attempts made */
    uint64_t stale_until;   /* loop time: until then statements may turn out to be stale */
    struct pool_stats stats;
};

/* Returns 1 with a connection in *backend, idle and no longer in any list, for the caller to link;
 * 0 when the request is queued; or a negative code with err set. */
int pool_acquire(struct pool_request *request, struct backend **backend, struct err *err);

/* Ends the link of a connection that pool_acquire gave: settled ones serve the next waiter before
 * this returns. */
void pool_release(struct pool_request *request, struct backend *backend, const char *reset_query,
                  bool broken);

/* The link ended because the connection is lost. */
void pool_lost(struct pool_request *request);

/* Clients that are logged in hold a reference. */
void pool_ref(struct pool *pool);
void pool_unref(struct pool *pool);

/* Adopts a tenant's settings: a pool is as large as the largest size that one of its tenants asks
 * for. */
void pool_adopt(struct pool *pool, const struct pool_config *settings);

/* A client came that needs connections of this birth. */
void pool_note_birth(struct pool *pool, struct birth *birth);

/* Closes what is idle; what is in use closes when it is released. */
void pool_retire_connections(struct pool *pool);

/* Of a paused pool: closes what is idle or being made; what is in use closes when it is released.
 */
void pool_close_connections(struct pool *pool);

/* Paused, a pool grants nothing; resumed, it serves those that waited. */
void pool_set_paused(struct pool *pool, bool paused);

/* The same for one tenant. Nothing happens where it has no lane. */
void pool_set_held(struct pool *pool, struct account *account, bool held);

/* Whether no connection is in use. */
static inline bool pool_at_rest(const struct pool *pool)
{
    return pool->count == pool->idle_count + pool->connecting;
}

/* The tenant of a pool that serves one only; else empty. */
static inline const char *pool_tenant(const struct pool *pool)
{
    const char *part = pool->key;

    for (int i = 0; i < 3; i++) { /* behind server, database and role */
        part += strlen(part) + 1;
    }
    return part;
}

/* --- for pools.c --- */
struct pool *pool_new(struct pools *owner, struct host *host, const char *key, size_t key_size);
void pool_free(struct pool *pool); /* has neither clients nor connections */

/* --- for supply.c: one attempt; its place in the server's budget has been taken --- */
void pool_start_connection(struct pool *pool, struct birth *birth);

#endif
