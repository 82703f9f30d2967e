// SPDX-License-Identifier: MIT
#include "secret/secrets.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "secret/secret.h"

struct secrets {
    const struct config *config; /* one reference is ours */
    atomic_int refs;
    size_t count;
    char *values[]; /* by secret_ref.index */
};

static struct secrets *new_secrets(const struct config *config)
{
    size_t count = config->secret_use_count;
    struct secrets *s = x_zalloc(sizeof *s + count * sizeof s->values[0]);

    s->config = config_ref(config);
    atomic_init(&s->refs, 1);
    s->count = count;
    return s;
}

static void free_secrets(struct secrets *s)
{
    for (size_t i = 0; i < s->count; i++) {
        secure_free(s->values[i]);
    }
    config_unref(s->config);
    free(s);
}

int secrets_resolve(const struct config *config, const struct secrets **out, struct buf *errors)
{
    struct secrets *s = new_secrets(config);
    int result = 0;

    *out = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const struct secret_use *use = &config->secret_uses[i];
        struct err err = {0};
        if (secret_resolve(&use->ref, &s->values[i], &err) < 0) {
            buf_printf(errors, "%s: %s\n", use->path, err.text);
            result = ERR_CONFIG;
        }
    }
    if (result < 0) {
        free_secrets(s);
        return result;
    }
    *out = s;
    return 0;
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

const char *secret_of(const struct secrets *secrets, const struct secret_ref *ref)
{
    assert(ref->index < secrets->count);
    return secrets->values[ref->index];
}
