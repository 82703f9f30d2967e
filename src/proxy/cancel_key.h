// SPDX-License-Identifier: MIT
//
// cancel_key: what a client is told at login and says again to have its query cancelled: a number
// that holds its worker and its slot (slots.h), and a secret. The secret is not kept: it is
// SipHash-2-4, under a key of its worker, of the client's own number and the place in it. A longer
// hash would cost a login as much as all else of it, and what it yields is seldom longer than four
// bytes. Clients of protocol 3.2 are told all of
// it, older ones the four bytes that theirs has room for. Pure but for the secret's making.
#ifndef PROXY_CANCEL_KEY_H
#define PROXY_CANCEL_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { CANCEL_SECRET = 16, CANCEL_KEY_SHORT = 4, CANCEL_KEY_LONG = 32 }; /* bytes */

struct cancel_key {
    uint32_t pid;
    uint8_t n; /* bytes of it; 0: one that fits nobody */
    uint8_t bytes[CANCEL_KEY_LONG];
};

/* Of the client with this number on its worker. */
struct cancel_key cancel_key_make(const uint8_t secret[CANCEL_SECRET], uint32_t pid,
                                  uint64_t client, bool is_long);

/* Out of a CancelRequest: a key of another length than ours fits nobody. */
struct cancel_key cancel_key_read(uint32_t pid, struct slice bytes);

bool cancel_key_equal(const struct cancel_key *a, const struct cancel_key *b);

#endif
