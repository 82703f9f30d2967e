// SPDX-License-Identifier: MIT
#include "proxy/cancel_key.h"

#include <string.h>

#include "auth/digest.h"
#include "base/siphash.h"

enum { ROUNDS = 2, ROUNDS_END = 4 };

/* Eight bytes of the secret, from the place `at` on. */
static uint64_t make_piece(const uint8_t secret[CANCEL_SECRET], uint64_t client, size_t at)
{
    uint64_t half[2];

    memcpy(half, secret, sizeof half);
    struct siphash s = siphash_begin(half[0], half[1]);
    siphash_absorb(&s, client, ROUNDS);
    siphash_absorb(&s, at, ROUNDS);
    siphash_absorb(&s, (uint64_t)(2 * sizeof client) << 56, ROUNDS);
    return siphash_end(&s, ROUNDS_END);
}

struct cancel_key cancel_key_make(const uint8_t secret[CANCEL_SECRET], uint32_t pid,
                                  uint64_t client, bool is_long)
{
    struct cancel_key key = {.pid = pid, .n = is_long ? CANCEL_KEY_LONG : CANCEL_KEY_SHORT};
    size_t made = 0;

    while (made < key.n) {
        uint64_t piece = make_piece(secret, client, made);
        size_t n = key.n - made < sizeof piece ? key.n - made : sizeof piece;
        memcpy(key.bytes + made, &piece, n);
        made += n;
    }
    return key;
}

struct cancel_key cancel_key_read(uint32_t pid, struct slice bytes)
{
    struct cancel_key key = {.pid = pid};

    if (bytes.n == CANCEL_KEY_SHORT || bytes.n == CANCEL_KEY_LONG) {
        key.n = (uint8_t)bytes.n;
        memcpy(key.bytes, bytes.p, bytes.n);
    }
    return key;
}

bool cancel_key_equal(const struct cancel_key *a, const struct cancel_key *b)
{
    return a->n > 0 && a->n == b->n && a->pid == b->pid &&
           digest_equal(slice_of(a->bytes, a->n), slice_of(b->bytes, b->n));
}
