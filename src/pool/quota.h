// SPDX-License-Identifier: MIT
//
// quota: what is counted of one tenant, or one user, over all workers, for the caps that hold for
// it as a whole. It is found under a lock when a worker first meets the name; from then on it is
// atomics only. One per name that ever logged in, kept as long as the table. Any thread.
#ifndef POOL_QUOTA_H
#define POOL_QUOTA_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/slice.h"

struct quota_entry;

struct quota {
    _Atomic uint32_t clients; /* logged in */
    _Atomic uint32_t waiting; /* of them, in a queue */
    _Atomic uint32_t links;   /* server connections linked to them, where that is limited */
    _Atomic uint64_t full;    /* workers where lanes stand aside for the limit of links, by bits */
};

struct quotas {
    pthread_mutex_t lock;
    struct quota_entry *entries; /* uthash by name */
};

void quotas_init(struct quotas *quotas);
void quotas_fini(struct quotas *quotas);

/* Made when it is new. */
struct quota *quota_find_or_add(struct quotas *quotas, struct slice name);

/* Counts one more where that stays within the limit; 0 is no limit. */
bool quota_take(_Atomic uint32_t *count, uint32_t most);

#endif
