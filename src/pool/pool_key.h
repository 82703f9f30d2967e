// SPDX-License-Identifier: MIT
//
// pool_key: by what a pool is found, and where. The key is server, database and role; the tenant of
// a pool that serves one only; the client of one that replicates; and the shard, where a hot pool
// is split. A hash of all but the shard says on which worker the first shard lives, the others live
// on those behind it. Tenants are spread over the shards by a hash, which keeps each shard's
// connections in few contexts; of a pool with one tenant, its clients are. Pure.
#ifndef POOL_POOL_KEY_H
#define POOL_POOL_KEY_H

#include "tenant/plan.h"

enum { POOL_KEY_PARTS = 6, POOL_KEY_PART = 256 };

struct pool_key {
    char bytes[POOL_KEY_PARTS * POOL_KEY_PART]; /* the parts, each ended by a NUL */
    size_t size;
    uint64_t hash;   /* of all but the shard */
    uint32_t shard;  /* 0 … shards - 1 */
    uint32_t shards; /* 1: the pool is whole */
};

/* `client` is the client's number; `replicates` makes the pool its own. */
void pool_key_build(struct pool_key *key, const struct tenant *tenant, const struct plan *plan,
                    uint64_t client, bool replicates);

/* The worker on which the pool lives. */
static inline uint32_t pool_key_worker(const struct pool_key *key, uint32_t workers)
{
    return (uint32_t)((key->hash + key->shard) % workers);
}

/* What one shard has of a number that is meant for the whole pool. */
int pool_key_share(const struct pool_key *key, int whole);

#endif
