// SPDX-License-Identifier: MIT
#include "proxy/role_secret.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"
#include "secret/fetch.h"

/* One who wants it. */
struct role_secret {
    struct list node; /* in the fetch's waiters */
    role_secret_cb cb;
    void *data;
};

struct secret_fetch {
    UT_hash_handle hh; /* by key, in role_secrets.fetches */
    char *key;
    struct role_secrets *owner;
    struct list node; /* in owner.under_way */
    struct list waiters;
    struct task task;
    struct secret_order order; /* with a reference to the realm */
    char *secret;
    struct err err;
};

void role_secrets_init(struct role_secrets *secrets)
{
    *secrets = (struct role_secrets){0};
    list_init(&secrets->under_way);
}

static void fetch_of_role(struct secret_fetch *fetch)
{
    const struct secret_order *order = &fetch->order;
    const struct config *config = realm_config(order->realm);
    const struct store_key key = {.id = order->role.role, .epoch = order->role.epoch};
    struct store_turned turned;

    if (config->secrets.store == NULL) {
        return;
    }
    const struct provider_config *provider = config_provider(config, config->secrets.store);
    if (store_turn(provider, &key, order->turn, &turned)) {
        (void)store_recall(realm_secrets(order->realm), provider, &turned.key, order->fresh,
                           &fetch->secret, &fetch->err);
    }
}

static void fetch_in_pool(struct task *task)
{
    struct secret_fetch *fetch = container_of(task, struct secret_fetch, task);
    const struct secret_order *order = &fetch->order;

    if (order->role.role[0] == '\0') {
        (void)fetch_secret(realm_secrets(order->realm), order->ref, &fetch->secret, &fetch->err);
    } else {
        fetch_of_role(fetch);
    }
}

/* It is in no table any more. */
static void free_fetch(struct secret_fetch *fetch)
{
    list_remove(&fetch->node);
    secure_free(fetch->secret);
    realm_unref(fetch->order.realm);
    free(fetch->key);
    free(fetch);
}

static void on_gone(struct task *task)
{
    free_fetch(container_of(task, struct secret_fetch, task));
}

void role_secrets_close(struct role_secrets *secrets)
{
    struct list *node;

    while ((node = list_pop_head(&secrets->under_way)) != NULL) {
        struct secret_fetch *fetch = container_of(node, struct secret_fetch, node);
        assert(list_empty(&fetch->waiters));
        HASH_DEL(secrets->fetches, fetch);
        if (!task_leave(&fetch->task)) {
            free_fetch(fetch);
        }
    }
}

static void on_fetched(struct task *task)
{
    struct secret_fetch *fetch = container_of(task, struct secret_fetch, task);
    struct enter_secret found = fetch->order.role;

    HASH_DEL(fetch->owner->fetches, fetch); /* who comes now comes too late for it */
    list_remove(&fetch->node);
    found.secret = fetch->secret;
    while (!list_empty(&fetch->waiters)) {
        struct role_secret *waiter =
            container_of(list_head(&fetch->waiters), struct role_secret, node);
        list_remove(&waiter->node);
        waiter->cb(waiter->data, &found, fetch->err.code != 0 ? &fetch->err : NULL);
        free(waiter);
    }
    free_fetch(fetch);
}

static const struct task_ops fetching = {TASK_BLOCKS, fetch_in_pool, on_fetched, on_gone};

/* Of each store one: who waits for a slow one delays nobody who waits for another. */
static const char *lane_of(const struct secret_order *order)
{
    const char *store = order->role.role[0] != '\0' ? realm_config(order->realm)->secrets.store
                        : order->ref->kind == SECRET_STORE ? order->ref->provider->name
                                                           : NULL;

    return store == NULL ? "secrets" : store;
}

static struct secret_fetch *find_fetch(struct role_secrets *secrets, struct loop *loop,
                                       const struct secret_order *order)
{
    char *key = x_printf("%p %p %d %d %u %s", (const void *)order->realm, (const void *)order->ref,
                         (int)order->fresh, (int)order->turn, order->role.epoch, order->role.role);
    struct secret_fetch *fetch;

    HASH_FIND_STR(secrets->fetches, key, fetch);
    if (fetch != NULL) {
        free(key);
        return fetch;
    }
    fetch = x_zalloc(sizeof *fetch);
    fetch->key = key;
    fetch->owner = secrets;
    fetch->order = *order;
    fetch->order.realm = realm_ref(order->realm);
    list_init(&fetch->waiters);
    HASH_ADD_KEYPTR(hh, secrets->fetches, fetch->key, strlen(fetch->key), fetch);
    list_push_tail(&secrets->under_way, &fetch->node);
    task_start(loop, &fetch->task, &fetching, slice_str(lane_of(order)));
    return fetch;
}

struct role_secret *role_secret_fetch(struct role_secrets *secrets, struct loop *loop,
                                      const struct secret_order *order, role_secret_cb cb,
                                      void *data)
{
    struct role_secret *waiter = x_zalloc(sizeof *waiter);
    struct secret_fetch *fetch = find_fetch(secrets, loop, order);

    waiter->cb = cb;
    waiter->data = data;
    list_push_tail(&fetch->waiters, &waiter->node);
    return waiter;
}

void role_secret_cancel(struct role_secret *waiter)
{
    list_remove(&waiter->node);
    free(waiter);
}
