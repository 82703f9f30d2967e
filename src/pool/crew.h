// SPDX-License-Identifier: MIT
//
// crew: the workers as they see each other: where mail for one goes, and what it is about there.
// Filled before the workers' threads start and never changed afterwards, so all may read it. What
// they count together is found here as well.
#ifndef POOL_CREW_H
#define POOL_CREW_H

#include "net/mailbox.h"
#include "pool/quota.h"

/* The number of a connection is one of all workers: a multiple of this, and the worker's index. */
#define CREW_IDS 128

#define CREW_MAX 64 /* as many as fit into a cancel key, and into the bits of one atomic */

struct pools;

struct crew_member {
    struct mailbox *box;
    struct pools *pools; /* touched on its own thread only */
};

struct crew {
    uint32_t count;
    struct crew_member members[CREW_MAX];
    struct quotas tenants;
    struct quotas users;
    _Atomic uint32_t wanderers; /* clients that are on another worker than their keys say */
};

/* A bit for each. */
static inline uint64_t crew_bits(const struct crew *crew)
{
    return crew->count >= CREW_MAX ? UINT64_MAX : ((uint64_t)1 << crew->count) - 1;
}

#endif
