// SPDX-License-Identifier: MIT
#include "pool/seal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "base/limits.h"

/* "fahrend/1/", a pid, a start, a name, two slashes. */
#define MESSAGE_SIZE (10 + 10 + 1 + SEAL_START_SIZE + 1 + LIMIT_NAME + 1)

void seal_key_set(struct seal_key *key, const char *setting, const char *secret)
{
    bool same = secret == NULL ? key->setting == NULL
                               : key->setting != NULL && strcmp(key->setting, setting) == 0 &&
                                     strcmp(key->key, secret) == 0;

    if (same) {
        return;
    }
    seal_key_fini(key);
    key->version++;
    if (secret != NULL) {
        key->setting = x_strdup(setting);
        key->key = x_strdup(secret);
    }
}

void seal_key_fini(struct seal_key *key)
{
    free(key->setting);
    secure_free(key->key);
    key->setting = key->key = NULL;
}

void seal_sign(struct slice key, struct slice tenant, uint32_t pid, struct slice start,
               char hex[SEAL_HEX])
{
    char message[MESSAGE_SIZE];
    char text[SEAL_HEX + 1];
    uint8_t mac[DIGEST_SHA256];

    int n = snprintf(message, sizeof message, "fahrend/1/%u/%.*s/%.*s", pid, (int)start.n,
                     (const char *)start.p, (int)tenant.n, (const char *)tenant.p);
    assert(n > 0 && (size_t)n < sizeof message);
    digest_hmac(key, slice_of(message, (size_t)n), mac);
    hex_encode(slice_of(mac, sizeof mac), text);
    memcpy(hex, text, SEAL_HEX);
}

struct slice seal_make(struct seal_cache *cache, const struct seal_key *key,
                       const struct seal_subject *subject)
{
    if (cache->key != key || cache->version != key->version) {
        seal_sign(slice_str(key->key), slice_str(subject->tenant), subject->pid,
                  slice_str(subject->start), cache->hex);
        cache->key = key;
        cache->version = key->version;
    }
    return slice_of(cache->hex, SEAL_HEX);
}
