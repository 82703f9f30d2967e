// SPDX-License-Identifier: MIT
#include "secret/fetch.h"

#include "secret/secret.h"
#include "secret/store.h"

int fetch_secret(const struct secrets *secrets, const struct secret_ref *ref, char **out,
                 struct err *err)
{
    const struct store_key key = {.id = ref->value, .field = ref->field};

    return ref->kind == SECRET_STORE ? store_recall(secrets, ref->provider, &key, true, out, err)
                                     : secret_resolve(ref, out, err);
}

/* Fetches those that are in stores, or those that are not. */
static int fetch_all(struct secrets *secrets, bool stored, struct buf *errors)
{
    const struct config *config = secrets_config(secrets);
    int result = 0;

    for (size_t i = 0; i < config->secret_use_count; i++) {
        const struct secret_use *use = &config->secret_uses[i];
        struct err err = {0};
        char *value = NULL;
        if ((use->ref.kind == SECRET_STORE) != stored) {
            continue;
        }
        if (fetch_secret(secrets, &use->ref, &value, &err) < 0) {
            buf_printf(errors, "%s: %s\n", use->path, err.text);
            result = ERR_CONFIG;
        } else {
            secrets_put(secrets, i, value);
        }
    }
    return result;
}

/* A store may need secrets of its own, which are in none. */
int fetch_secrets_after(const struct secrets *previous, const struct config *config,
                        const struct secrets **out, struct buf *errors)
{
    struct secrets *secrets = secrets_new(config, previous);

    *out = NULL;
    int result = fetch_all(secrets, false, errors);
    if (result == 0) {
        result = fetch_all(secrets, true, errors);
    }
    if (result < 0) {
        secrets_unref(secrets);
        return result;
    }
    *out = secrets;
    return 0;
}

int fetch_secrets(const struct config *config, const struct secrets **out, struct buf *errors)
{
    return fetch_secrets_after(NULL, config, out, errors);
}
