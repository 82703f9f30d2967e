// SPDX-License-Identifier: MIT
#include "secret/secrets.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "secret/secret.h"
#include "secret/store_cache.h"

struct secrets {
    const struct config *config; /* one reference is ours */
    struct sessions *sessions;   /* one reference */
    struct store_cache *cache;   /* likewise */
    atomic_int refs;
    size_t count;
    char *values[]; /* by secret_ref.index */
};

static struct secrets *new_secrets(const struct config *config, const struct secrets *previous)
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

int secrets_fetch(const struct secrets *s, const struct secret_ref *ref, char **out,
                  struct err *err)
{
    const struct store_key key = {.id = ref->value, .field = ref->field};

    return ref->kind == SECRET_STORE ? store_cache_read(s, ref->provider, &key, true, out, err)
                                     : secret_resolve(ref, out, err);
}

/* Fetches those that are in stores, or those that are not. */
static int fetch_all(struct secrets *s, bool stored, struct buf *errors)
{
    int result = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct secret_use *use = &s->config->secret_uses[i];
        struct err err = {0};
        if ((use->ref.kind == SECRET_STORE) == stored &&
            secrets_fetch(s, &use->ref, &s->values[i], &err) < 0) {
            buf_printf(errors, "%s: %s\n", use->path, err.text);
            result = ERR_CONFIG;
        }
    }
    return result;
}

/* A store may need secrets of its own, which are in none. */
int secrets_resolve_after(const struct secrets *previous, const struct config *config,
                          const struct secrets **out, struct buf *errors)
{
    struct secrets *s = new_secrets(config, previous);

    *out = NULL;
    int result = fetch_all(s, false, errors);
    if (result == 0) {
        result = fetch_all(s, true, errors);
    }
    if (result < 0) {
        free_secrets(s);
        return result;
    }
    *out = s;
    return 0;
}

int secrets_resolve(const struct config *config, const struct secrets **out, struct buf *errors)
{
    return secrets_resolve_after(NULL, config, out, errors);
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
