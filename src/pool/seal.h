// SPDX-License-Identifier: MIT
//
// seal: what makes row security hold against a tenant that writes its own SQL. Any role may set the
// setting that names the tenant, so beside it stands a seal, in <setting>_seal, which only we can
// make:
//
//   HMAC-SHA-256(key, "fahrend/1/<pid>/<start>/<tenant>")   as 64 lower-case hex digits
//
// pid and start are those of the server process, in decimal digits, start in microseconds since
// 1970 as the server tells it; a tenant's name has no '/', so no two triples have the same bytes.
// The policies' function makes the same computation (provision/rls_sql.c): a seal that was copied
// to another connection, or kept from an older one, is worth nothing there.
//
// A lane holds its tenant's key; a backend keeps the last seal that was made for it. One thread:
// the worker's.
#ifndef POOL_SEAL_H
#define POOL_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    SEAL_HEX = 64,       /* digits of a seal */
    SEAL_START_SIZE = 24 /* a backend's start and its NUL */
};

/* A tenant's way to sign; all zero: it has none. */
struct seal_key {
    char *setting;    /* "app.tenant_seal"; owned, NULL where the tenant is not sealed */
    char *key;        /* the secret; owned */
    uint32_t version; /* counts its changes */
};

/* The seal that was last made for a server connection. */
struct seal_cache {
    const struct seal_key *key; /* only to compare */
    uint32_t version;
    char hex[SEAL_HEX];
};

static inline bool seal_key_is_set(const struct seal_key *key)
{
    return key->setting != NULL;
}

/* Copies both; a NULL key leaves the tenant unsealed. */
void seal_key_set(struct seal_key *key, const char *setting, const char *secret);
void seal_key_fini(struct seal_key *key);

/* Pure. */
void seal_sign(struct slice key, struct slice tenant, uint32_t pid, struct slice start,
               char hex[SEAL_HEX]);

/* What and for which server process. */
struct seal_subject {
    const char *tenant;
    uint32_t pid;
    const char *start;
};

/* The same, out of the cache where it can be; valid until the next call with this cache. */
struct slice seal_make(struct seal_cache *cache, const struct seal_key *key,
                       const struct seal_subject *subject);

#endif
