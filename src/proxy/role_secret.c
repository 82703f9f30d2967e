// SPDX-License-Identifier: MIT
#include "proxy/role_secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "secret/secret.h"
#include "tenant/name.h"

struct role_secret {
    uv_work_t work;
    const struct realm *realm; /* a reference */
    char role[NAME_SIZE];
    role_secret_cb cb;
    void *data;
    char *secret;
    struct err err;
    bool cancelled;
};

static void read_file(struct role_secret *fetch, const struct provider_config *provider)
{
    struct secret_ref ref = {.kind = SECRET_FILE};
    char *path = x_printf("%s/%s", provider->directory, fetch->role);

    ref.value = path;
    if (strchr(fetch->role, '/') != NULL || fetch->role[0] == '.') {
        (void)err_set(&fetch->err, ERR_CONFIG, "role \"%s\" cannot be the name of a file",
                      fetch->role);
    } else {
        (void)secret_resolve(&ref, &fetch->secret, &fetch->err);
    }
    free(path);
}

static void derive(struct role_secret *fetch, const struct provider_config *provider)
{
    const char *key = realm_secret(fetch->realm, &provider->key);
    uint8_t mac[DIGEST_SHA256];

    digest_hmac(slice_str(key), slice_str(fetch->role), mac);
    fetch->secret = x_alloc(2 * sizeof mac + 1);
    hex_encode(slice_of(mac, sizeof mac), fetch->secret);
    secure_zero(mac, sizeof mac);
}

static void fetch_in_pool(uv_work_t *work)
{
    struct role_secret *fetch = container_of(work, struct role_secret, work);
    const struct config *config = realm_config(fetch->realm);
    const struct provider_config *provider =
        config->secrets.store == NULL ? NULL : config_provider(config, config->secrets.store);

    if (provider == NULL) {
        return;
    }
    switch (provider->type) {
    case PROVIDER_FILES:
        read_file(fetch, provider);
        break;
    case PROVIDER_DERIVE:
        derive(fetch, provider);
        break;
    case PROVIDER_AWS:
    case PROVIDER_VAULT:
        (void)err_set(&fetch->err, ERR_CONFIG,
                      "secret provider \"%s\" is not supported by this version", provider->name);
        break;
    }
}

static void on_fetched(uv_work_t *work, int status)
{
    struct role_secret *fetch = container_of(work, struct role_secret, work);

    (void)status; /* never cancelled */
    if (!fetch->cancelled) {
        fetch->cb(fetch->data, fetch->secret, fetch->err.code != 0 ? &fetch->err : NULL);
    }
    secure_free(fetch->secret);
    realm_unref(fetch->realm);
    free(fetch);
}

struct role_secret *role_secret_fetch(struct loop *loop, const struct realm *realm,
                                      const char *role, role_secret_cb cb, void *data)
{
    struct role_secret *fetch = x_zalloc(sizeof *fetch);

    fetch->realm = realm_ref(realm);
    fetch->cb = cb;
    fetch->data = data;
    (void)snprintf(fetch->role, sizeof fetch->role, "%s", role);
    if (uv_queue_work(&loop->uv, &fetch->work, fetch_in_pool, on_fetched) < 0) {
        realm_unref(fetch->realm);
        free(fetch);
        return NULL;
    }
    return fetch;
}

void role_secret_cancel(struct role_secret *fetch)
{
    fetch->cancelled = true;
}
