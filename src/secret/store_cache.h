// SPDX-License-Identifier: MIT
//
// store_cache: reading a store through a memory. What was read is good for `secrets.cache`; then it
// is asked for again, by one thread however many want it, while the others wait. A store that fails
// does not take away what was read before: that is used, and said in the log. A store that could
// not be reached is left alone for a moment, so that threads are not lost to it one after the
// other. Blocks as the store does; shared by threads and by one configuration and the next, under a
// lock that is never held while a store is asked. Values are cleared when they go.
#ifndef SECRET_STORE_CACHE_H
#define SECRET_STORE_CACHE_H

#include "secret/store.h"

struct store_cache;

struct store_cache *store_cache_new(void);
struct store_cache *store_cache_ref(struct store_cache *cache);
void store_cache_unref(struct store_cache *cache);

/* As store_read. With `fresh` the store is asked though the value is good yet, at most once a
 * second. Providers that
 * need no service, and answer at once, are always asked. */
int store_cache_read(const struct secrets *secrets, const struct provider_config *provider,
                     const struct store_key *key, bool fresh, char **out, struct err *err);

/* What is written or deleted is no longer known. */
void store_cache_forget(struct store_cache *cache, const struct provider_config *provider,
                        const struct store_key *key);

#endif
