// SPDX-License-Identifier: MIT
#include "tenant/hash.h"

#include <endian.h>
#include <string.h>

#include "base/rand.h"
#include "tenant/setting.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

void hash_key_init(struct hash_key *key)
{
    rand_bytes(key, sizeof *key);
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void mix_round(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix_round(s);
    s->v0 ^= word;
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
    uint64_t k1 = key->k1 ^ chain;
    struct state s = {
        .v0 = key->k0 ^ 0x736f6d6570736575U,
        .v1 = k1 ^ 0x646f72616e646f6dU,
        .v2 = key->k0 ^ 0x6c7967656e657261U,
        .v3 = k1 ^ 0x7465646279746573U,
    };
    size_t whole = bytes.n & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8) {
        absorb(&s, fold ? load(bytes.p + i, 8, fold) : load_word(bytes.p + i));
    }
    struct slice last = slice_from(bytes, whole);
    absorb(&s, load(last.p, last.n, fold) | (uint64_t)bytes.n << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++) {
        mix_round(&s);
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
