// SPDX-License-Identifier: MIT
#include "tenant/hash.h"

#include <endian.h>
#include <string.h>

#include "base/rand.h"
#include "base/siphash.h"
#include "tenant/setting.h"

enum { ROUNDS = 1, ROUNDS_END = 3 };

void hash_key_init(struct hash_key *key)
{
    rand_bytes(key, sizeof *key);
}

/* Up to eight bytes as a little-endian number. */
static uint64_t load(const uint8_t *p, size_t n, bool fold)
{
    uint64_t word = 0;

    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)(fold ? setting_fold(p[i]) : p[i]) << (8 * i);
    }
    return word;
}

static uint64_t load_word(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

uint64_t hash_bytes(const struct hash_key *key, uint64_t chain, struct slice bytes, bool fold)
{
    struct siphash s = siphash_begin(key->k0, key->k1 ^ chain);
    size_t whole = bytes.n & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8) {
        siphash_absorb(&s, fold ? load(bytes.p + i, 8, fold) : load_word(bytes.p + i), ROUNDS);
    }
    struct slice last = slice_from(bytes, whole);
    siphash_absorb(&s, load(last.p, last.n, fold) | (uint64_t)bytes.n << 56, ROUNDS);
    return siphash_end(&s, ROUNDS_END);
}
