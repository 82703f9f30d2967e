// SPDX-License-Identifier: MIT
#include "proxy/cancel_key.h"

#include <string.h>

#include "auth/digest.h"
#include "base/alloc.h"

struct cancel_key cancel_key_make(const uint8_t secret[CANCEL_SECRET], uint32_t pid,
                                  uint64_t client, bool is_long)
{
    struct cancel_key key = {.pid = pid, .n = is_long ? CANCEL_KEY_LONG : CANCEL_KEY_SHORT};
    uint8_t said[CANCEL_SECRET + sizeof client];
    uint8_t hash[DIGEST_SHA256];

    memcpy(said, secret, CANCEL_SECRET);
    memcpy(said + CANCEL_SECRET, &client, sizeof client);
    digest_sha256(slice_of(said, sizeof said), hash);
    secure_zero(said, sizeof said);
    memcpy(key.bytes, hash, key.n);
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
