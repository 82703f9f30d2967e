// SPDX-License-Identifier: MIT
//
// store_cache: a memory before stores. What was read is good for a while; then it is asked for
// again, by one thread however many want it; the others use what was good so far, or wait. A store
// that fails does not take away what was read before: that is used, and said in the log. A store
// that could not be reached is left alone: the longer, the longer it kept us waiting, or as long as
// it asked for; then one thread tries. So no more than a few threads ever hang on it.
// Blocks as the store does; shared by threads and by one configuration and the next, under a lock
// that is never held while a store is asked. Values are cleared when they go. It knows no store:
// whoever asks brings the function that does.
#ifndef SECRET_STORE_CACHE_H
#define SECRET_STORE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct store_cache;

/* Which secret of a provider. */
struct store_key {
    const char *id;    /* of a tenant's role: the role's name */
    const char *field; /* of the stored value, which is a JSON object; NULL: all of it */
    uint32_t epoch;    /* which one in a row; what is stored is another one when it has grown */
};

/* One question. Valid while it lasts. */
struct store_question {
    const struct provider_config *provider;
    const struct store_key *key;
    int64_t lasts; /* ms for which an answer is good */
    bool fresh;    /* ask though it is good yet, at most once a second */
    /* The store; as store_read, and for how many ms it wants to be left alone, if it says so. */
    int (*ask)(const void *data, char **out, int64_t *rest, struct err *err);
    const void *data; /* ask's */
};

struct store_cache *store_cache_new(void);
struct store_cache *store_cache_ref(struct store_cache *cache);
void store_cache_unref(struct store_cache *cache);

/* Returns 0 and the secret in *out, to be freed with secure_free. */
int store_cache_read(struct store_cache *cache, const struct store_question *question, char **out,
                     struct err *err);

/* What is written or deleted is no longer known. */
void store_cache_forget(struct store_cache *cache, const struct provider_config *provider,
                        const struct store_key *key);

/* Did the provider fail when it was asked last? Then why; one line, and no secret. */
bool store_cache_failing(struct store_cache *cache, const struct provider_config *provider,
                         struct err *why);

#endif
