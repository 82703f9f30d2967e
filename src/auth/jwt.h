// SPDX-License-Identifier: MIT
//
// jwt: does a token (RFC 7519, compact) prove who its bearer is? Signatures by RS256, ES256 and
// EdDSA (Ed25519) against the keys of a JSON Web Key Set; nothing else is accepted: not "none", not
// a shared secret, no critical extension. The key is the one that the token names, and its kind,
// not the token's word, must fit the signature. Everything is hostile: sizes are bounded first. The
// time is given. Pure; a key set is counted and immutable, any thread.
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include "base/err.h"
#include "base/slice.h"

struct jwt_keys;

/* A key set from its JSON, with one reference; keys of other kinds, or for encryption, are passed
 * over. NULL with err set for what is none. */
struct jwt_keys *jwt_keys_parse(struct slice text, struct err *err);
struct jwt_keys *jwt_keys_ref(struct jwt_keys *keys);
void jwt_keys_unref(struct jwt_keys *keys); /* NULL is allowed */

/* What a token must say. */
struct jwt_policy {
    const char *issuer;
    const char *audience;
    const char *user_claim;
    const char *tenant_claim; /* NULL: the token names no tenant */
    int64_t leeway;           /* seconds that clocks may differ */
};

/* What it said. */
struct jwt_claims {
    char user[64];
    char tenant[64]; /* "" where there is no such claim */
};

/* Does the password look like a token at all? */
bool jwt_is_token(struct slice password);

/* 0 with the claims; JWT_UNKNOWN_KEY where the set has no such key; ERR_PASSWORD for everything
 * else. The text of err is for the log, not for the client. */
#define JWT_UNKNOWN_KEY (-1)
int jwt_check(const struct jwt_keys *keys, struct slice token, const struct jwt_policy *policy,
              int64_t now, struct jwt_claims *claims, struct err *err);

#endif
