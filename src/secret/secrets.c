// SPDX-License-Identifier: MIT
#include "secret/secrets.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"

struct secrets {
    const struct config *config; /* one reference is ours */
    struct sessions *sessions;   /* one reference */
    struct store_cache *cache;   /* likewise */
    atomic_int refs;
    size_t count;
    char *values[]; /* by secret_ref.index */
};

struct secrets *secrets_new(const struct config *config, const struct secrets *previous)
{
    size_t count = config->secret_use_count;
    struct secrets *s = x_zalloc(sizeof *s + count * sizeof s->values[0]);

    s->config = config_ref(config);
    s->sessions = previous == NULL ? sessions_new() : sessions_ref(previous->sessions);
    s->cache = previous == NULL ? store_cache_new() : store_cache_ref(previous->cache);
    atomic_init(&s->refs, 1);
    s->count = count;
    return s;
}

static void free_secrets(struct secrets *s)
{
    for (size_t i = 0; i < s->count; i++) {
        secure_free(s->values[i]);
    }
    store_cache_unref(s->cache);
    sessions_unref(s->sessions);
    config_unref(s->config);
    free(s);
}

void secrets_put(struct secrets *secrets, size_t index, char *value)
{
    assert(index < secrets->count && secrets->values[index] == NULL);
    secrets->values[index] = value;
}

const struct secrets *secrets_ref(const struct secrets *secrets)
{
    if (secrets != NULL) {
        struct secrets *s = (struct secrets *)secrets;
        (void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    }
    return secrets;
}

void secrets_unref(const struct secrets *secrets)
{
    struct secrets *s = (struct secrets *)secrets;

    if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        free_secrets(s);
    }
}

const struct config *secrets_config(const struct secrets *secrets)
{
    return secrets->config;
}

struct sessions *secrets_sessions(const struct secrets *secrets)
{
    return secrets->sessions;
}

struct store_cache *secrets_cache(const struct secrets *secrets)
{
    return secrets->cache;
}

const char *secret_of(const struct secrets *secrets, const struct secret_ref *ref)
{
    assert(ref->index < secrets->count);
    return secrets->values[ref->index];
}
