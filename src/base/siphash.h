// SPDX-License-Identifier: MIT
//
// siphash: the keyed hash of Aumasson and Bernstein (2012), a word of eight bytes at a time. With
// one round for a word and three at the end it serves tables whose keys strangers choose; with two
// and four what it says of a message cannot be guessed by who does not know the key. Pure.
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

struct siphash {
    uint64_t v0, v1, v2, v3;
};

static inline struct siphash siphash_begin(uint64_t k0, uint64_t k1)
{
    return (struct siphash){
        .v0 = k0 ^ 0x736f6d6570736575U,
        .v1 = k1 ^ 0x646f72616e646f6dU,
        .v2 = k0 ^ 0x6c7967656e657261U,
        .v3 = k1 ^ 0x7465646279746573U,
    };
}

static inline uint64_t siphash_rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void siphash_rounds(struct siphash *s, int count)
{
    for (int i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
        s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
        s->v0 = siphash_rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
        s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
        s->v2 = siphash_rotate(s->v2, 32);
    }
}

static inline void siphash_absorb(struct siphash *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    siphash_rounds(s, rounds);
    s->v0 ^= word;
}

/* Behind the last word, which has the message's length in its highest byte. */
static inline uint64_t siphash_end(struct siphash *s, int rounds)
{
    s->v2 ^= 0xff;
    siphash_rounds(s, rounds);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif
