// SPDX-License-Identifier: MIT
#include "provision/role_password.h"

#include "auth/verifier.h"
#include "base/alloc.h"
#include "base/rand.h"
#include "secret/store.h"

const struct provider_config *role_password_store(const struct secrets *secrets)
{
    const struct config *config = secrets_config(secrets);

    return config->secrets.store == NULL ? NULL : config_provider(config, config->secrets.store);
}

int role_password_ensure(const struct secrets *secrets, const struct store_key *key, char **out,
                         bool *made, struct err *err)
{
    const struct provider_config *provider = role_password_store(secrets);

    *out = NULL;
    *made = false;
    return provider == NULL ? 0 : store_ensure(secrets, provider, key, out, made, err);
}

int role_password_delete(const struct secrets *secrets, const struct store_key *key,
                         struct err *err)
{
    const struct provider_config *provider = role_password_store(secrets);
    struct store_turned next;

    if (provider == NULL || store_derives(provider)) {
        return 0;
    }
    if (store_turn(provider, key, STORE_NEXT, &next)) { /* what a rotation may have left */
        (void)store_delete(secrets, provider, &next.key, err);
        *err = (struct err){0};
    }
    return store_delete(secrets, provider, key, err);
}

char *role_password_verifier(const char *password)
{
    uint8_t salt[SCRAM_SALT];
    struct verifier verifier;
    struct buf text = {0};

    rand_bytes(salt, sizeof salt);
    verifier_build(&verifier, slice_str(password), slice_of(salt, sizeof salt), SCRAM_ITERATIONS);
    verifier_print(&verifier, &text);
    char *copy = x_strndup(buf_slice(&text));
    buf_release_secret(&text);
    verifier_fini(&verifier);
    return copy;
}
