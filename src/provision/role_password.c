// SPDX-License-Identifier: MIT
#include "provision/role_password.h"

#include "secret/store.h"

static const struct provider_config *store_of(const struct secrets *secrets)
{
    const struct config *config = secrets_config(secrets);

    return config->secrets.store == NULL ? NULL : config_provider(config, config->secrets.store);
}

int role_password_ensure(const struct secrets *secrets, const struct store_key *key, char **out,
                         struct err *err)
{
    const struct provider_config *provider = store_of(secrets);

    *out = NULL;
    return provider == NULL ? 0 : store_ensure(secrets, provider, key, out, err);
}

int role_password_delete(const struct secrets *secrets, const struct store_key *key,
                         struct err *err)
{
    const struct provider_config *provider = store_of(secrets);

    return provider == NULL || store_derives(provider) ? 0
                                                       : store_delete(secrets, provider, key, err);
}
