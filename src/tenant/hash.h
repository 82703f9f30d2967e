// SPDX-License-Identifier: MIT
//
// hash: a keyed hash (SipHash-1-3, Aumasson and Bernstein 2012) for tables whose keys strangers
// choose: without the key nobody can make them collide. Pure but for hash_key_init.
#ifndef TENANT_HASH_H
#define TENANT_HASH_H

#include "base/slice.h"

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

void hash_key_init(struct hash_key *key); /* random */

/* `chain` is the hash of what came before, or 0. With `fold` upper case counts as lower. */
uint64_t hash_bytes(const struct hash_key *key, uint64_t chain, struct slice bytes, bool fold);

#endif
