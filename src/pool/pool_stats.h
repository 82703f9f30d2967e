// SPDX-License-Identifier: MIT
//
// pool_stats: what a pool counts of itself: how long things took, and its server connections with
// the reason for which each has ended. Those of a pool that is gone are added to its server's, so
// that the sum over a server never falls. Plain memory.
#ifndef POOL_POOL_STATS_H
#define POOL_POOL_STATS_H

#include "pool/times.h"

/* Why a server connection has ended, and the word for it in metrics. */
#define BACKEND_END_MAP(X)                                                                         \
    X(BACKEND_END_OTHER, "other")               /* its user left it in the middle of something */  \
    X(BACKEND_END_IDLE, "idle_timeout")         /* nobody used it */                               \
    X(BACKEND_END_AGED, "lifetime")             /* it was old */                                   \
    X(BACKEND_END_ORDER, "order")               /* of the console, or a reload */                  \
    X(BACKEND_END_ROOM, "room")                 /* another pool needs its place */                 \
    X(BACKEND_END_TENANT, "tenant_change")      /* reset: backend, or a seal it cannot carry */    \
    X(BACKEND_END_SHUTDOWN, "shutdown")         /* fahrend ends */                                 \
    X(BACKEND_END_LOGIN_FAILED, "login_failed") /* it was never ready */                           \
    X(BACKEND_END_LOST, "lost")                 /* the server or the network ended it */

enum backend_end {
#define X(name, word) name,
    BACKEND_END_MAP(X)
#undef X
        BACKEND_ENDS
};

struct pool_stats {
    struct times times;           /* of its clients */
    uint64_t opened;              /* server connections that were ready */
    uint64_t ended[BACKEND_ENDS]; /* of all that were begun */
};

static inline void pool_stats_add(struct pool_stats *to, const struct pool_stats *stats)
{
    times_add(&to->times, &stats->times);
    to->opened += stats->opened;
    for (int i = 0; i < BACKEND_ENDS; i++) {
        to->ended[i] += stats->ended[i];
    }
}

#endif
