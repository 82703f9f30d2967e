// SPDX-License-Identifier: MIT
#include "proxy/role_secret.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "secret/store.h"

struct role_secret {
    uv_work_t work;
    const struct realm *realm; /* a reference */
    struct enter_secret wanted;
    role_secret_cb cb;
    void *data;
    char *secret;
    struct err err;
    bool cancelled;
};

static void fetch_in_pool(uv_work_t *work)
{
    struct role_secret *fetch = container_of(work, struct role_secret, work);
    const struct config *config = realm_config(fetch->realm);
    const struct store_key key = {.id = fetch->wanted.role, .epoch = fetch->wanted.epoch};

    if (config->secrets.store != NULL) {
        (void)store_read(realm_secrets(fetch->realm),
                         config_provider(config, config->secrets.store), &key, &fetch->secret,
                         &fetch->err);
    }
}

static void on_fetched(uv_work_t *work, int status)
{
    struct role_secret *fetch = container_of(work, struct role_secret, work);

    (void)status; /* never cancelled */
    if (!fetch->cancelled) {
        fetch->wanted.secret = fetch->secret;
        fetch->cb(fetch->data, &fetch->wanted, fetch->err.code != 0 ? &fetch->err : NULL);
    }
    secure_free(fetch->secret);
    realm_unref(fetch->realm);
    free(fetch);
}

struct role_secret *role_secret_fetch(struct loop *loop, const struct realm *realm,
                                      const struct enter_secret *wanted, role_secret_cb cb,
                                      void *data)
{
    struct role_secret *fetch = x_zalloc(sizeof *fetch);

    fetch->realm = realm_ref(realm);
    fetch->cb = cb;
    fetch->data = data;
    fetch->wanted = *wanted;
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
