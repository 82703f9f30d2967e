// SPDX-License-Identifier: MIT
//
// digest: the hashes that the layer is made of, over libcrypto. SHA-256 and HMAC abort when
// libcrypto cannot: it only happens when memory is out. MD5 may be switched off by the system's
// policy (FIPS), so it can fail. Pure; any thread.
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { DIGEST_SHA256 = 32, DIGEST_MD5 = 16 }; /* bytes */

void digest_sha256(struct slice in, uint8_t out[DIGEST_SHA256]);
void digest_hmac(struct slice key, struct slice in, uint8_t out[DIGEST_SHA256]);

/* The first block of PBKDF2 with HMAC-SHA-256, which is Hi() of RFC 5802. iterations >= 1. */
void digest_pbkdf2(struct slice password, struct slice salt, uint32_t iterations,
                   uint8_t out[DIGEST_SHA256]);

/* MD5 of a and b in a row; false when this system refuses MD5. */
bool digest_md5(struct slice a, struct slice b, uint8_t out[DIGEST_MD5])
    __attribute__((warn_unused_result));

/* Are two secrets equal? Takes time by their lengths only, never by where they differ. */
bool digest_equal(struct slice a, struct slice b);

#endif
