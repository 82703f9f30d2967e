// SPDX-License-Identifier: MIT
#include "pool/pools.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void pools_init(struct pools *pools, struct loop *loop,
                struct budget *(*budget)(void *data, const char *server), void *data)
{
    *pools = (struct pools){.loop = loop, .budget = budget, .data = data};
    list_init(&pools->watches);
    list_init(&pools->lingering);
    context_table_init(&pools->contexts);
    switch_texts_init(&pools->switch_texts);
    slab_init(&pools->backends, sizeof(struct backend));
}

void pools_close(struct pools *pools)
{
    struct pool *pool;
    struct pool *next;

    pools->draining = pools->closed = true;
    while (!list_empty(&pools->lingering)) {
        backend_let_go(container_of(list_head(&pools->lingering), struct backend, pool_node));
    }
    HASH_ITER (hh, pools->pools, pool, next) {
        deadline_disarm(&pool->retry);
        deadline_disarm(&pool->reserve);
        while (!list_empty(&pool->all)) {
            struct backend *b = container_of(list_head(&pool->all), struct backend, pool_node);
            backend_close_for(b, BACKEND_END_SHUTDOWN);
        }
    }
    for (struct host *host = pools->hosts; host != NULL; host = host->hh.next) {
        host_leave(host);
    }
}

void pools_fini(struct pools *pools)
{
    struct pool *pool;
    struct pool *next;

    HASH_ITER (hh, pools->pools, pool, next) {
        HASH_DEL(pools->pools, pool);
        pool_free(pool);
    }
    assert(list_empty(&pools->watches));
    gates_fini(&pools->gates);
    levels_fini(&pools->levels);
    host_free_all(&pools->hosts);
    account_free_all(&pools->accounts);
    context_table_fini(&pools->contexts);
    switch_texts_fini(&pools->switch_texts);
    slab_fini(&pools->backends);
}

/* Whether by order nothing of this pool may be granted. */
static bool is_shut(const struct pools *pools, const struct pool *pool)
{
    uint32_t flags = gates_get(&pools->gates, GATE_DATABASE, slice_str(pool->database));

    flags |= pools->gates.all | gates_get(&pools->gates, GATE_TENANT, slice_str(pool_tenant(pool)));
    return (flags & (GATE_PAUSED | GATE_SUSPENDED)) != 0;
}

static struct pool *add(struct pools *pools, const struct pool_order *order)
{
    const struct plan *plan = order->plan;
    const struct pool_key *key = order->key;
    struct host *host =
        host_find_or_add(pools, plan->server, pools->budget(pools->data, plan->server));
    struct pool *pool = pool_new(pools, host, key->bytes, key->size);

    pool->config = config_ref(order->config);
    pool->server = config_server(order->config, plan->server);
    pool->database = x_strdup(plan->database);
    pool->role = x_strdup(plan->role);
    pool->dedicated = plan->dedicated;
    pool->replication = order->replication == NULL ? NULL : x_strdup(order->replication);
    pool->paused = is_shut(pools, pool);
    HASH_ADD_KEYPTR(hh, pools->pools, pool->key, key->size, pool);
    return pool;
}

/* A shard has its part of the numbers that are meant for the whole pool. */
static void adopt(struct pool *pool, const struct pool_order *order)
{
    struct pool_config settings = *order->settings;

    settings.size = pool_key_share(order->key, settings.size);
    settings.min_size = pool_key_share(order->key, settings.min_size);
    settings.reserve_size = pool_key_share(order->key, settings.reserve_size);
    pool_adopt(pool, &settings);
}

/* One that was fetched for this pool since is newer than what the configuration had; what was
 * fetched before a rotation, or what the server does not take, is no reason to leave what it takes.
 */
static bool is_left_behind(const struct pool *pool, const struct pool_order *order)
{
    switch (order->plan->credential) {
    case CREDENTIAL_FIXED:
        return pool->secret_newer == order->config;
    case CREDENTIAL_TENANT:
        return (int32_t)(order->epoch - pool->epoch) < 0 ||
               (pool->refused != NULL && order->secret != NULL &&
                strcmp(pool->refused, order->secret) == 0);
    case CREDENTIAL_CLIENT:
        break;
    }
    return false;
}

/* A tenant's own role that has another password now logs in anew. */
static void take_secret(struct pool *pool, const struct pool_order *order)
{
    enum plan_credential from = order->plan->credential;

    pool->secret_from = from;
    pool->secret_index = from == CREDENTIAL_FIXED && order->plan->password != NULL
                             ? order->plan->password->index
                             : 0;
    if (is_left_behind(pool, order)) {
        return;
    }
    pool->epoch = order->epoch;
    if (!credential_has_secret(&pool->credential, order->secret)) {
        if (from == CREDENTIAL_TENANT && pool->credential.secret != NULL) {
            pool_retire_connections(pool);
        }
        credential_set_secret(&pool->credential, order->secret);
    }
}

struct pool *pools_find_or_add(struct pools *pools, const struct pool_order *order, struct err *err)
{
    const struct pool_key *key = order->key;
    struct pool *pool;

    if (config_server(order->config, order->plan->server) == NULL) {
        (void)err_set(err, ERR_CONFIG, "server \"%s\" is not configured", order->plan->server);
        return NULL;
    }
    HASH_FIND(hh, pools->pools, key->bytes, key->size, pool);
    if (pool == NULL) {
        pool = add(pools, order);
    }
    adopt(pool, order);
    take_secret(pool, order);
    return pool;
}

static bool same_strings(const struct strings *a, const struct strings *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_tls(const struct tls_config *a, const struct tls_config *b)
{
    return a->mode == b->mode && a->negotiation == b->negotiation &&
           a->min_protocol == b->min_protocol && same_text(a->ca, b->ca) &&
           same_text(a->crl, b->crl) && same_text(a->certificate, b->certificate) &&
           same_text(a->key, b->key) && same_text(a->ciphers, b->ciphers) &&
           same_text(a->tls13_ciphers, b->tls13_ciphers);
}

static bool same_place(const struct server_config *a, const struct server_config *b)
{
    return a->port == b->port && same_strings(&a->host, &b->host) && same_tls(&a->tls, &b->tls);
}

/* A server that is no longer configured keeps its old definition until its last client has gone. */
static void reconfigure(struct pool *pool, const struct config *config)
{
    const struct server_config *server = config_server(config, pool->server->name);

    if (server == NULL) {
        pool_retire_connections(pool);
        return;
    }
    if (!same_place(pool->server, server)) {
        pool_retire_connections(pool);
    }
    config_unref(pool->config);
    pool->config = config_ref(config);
    pool->server = server;
    pool->encrypts = false;
    pool->secret_newer = NULL;
    pool->secret_index = 0;
    pool->adopted = false; /* the next login brings the new settings */
}

void pools_reconfigure(struct pools *pools, const struct config *config)
{
    struct pool *pool;
    struct pool *next;

    HASH_ITER (hh, pools->pools, pool, next) {
        reconfigure(pool, config);
    }
    for (struct host *host = pools->hosts; host != NULL; host = host->hh.next) {
        host_retry(host);
    }
}

/* ---- by order of the console ---- */

struct account *pools_account(struct pools *pools, struct slice tenant)
{
    struct account *account = account_find_or_add(
        &pools->accounts, pools->crew == NULL ? NULL : &pools->crew->tenants, tenant);

    account->paused =
        (gates_get(&pools->gates, GATE_TENANT, tenant) & (GATE_PAUSED | GATE_SUSPENDED)) != 0;
    account->log_level = levels_get(&pools->levels, tenant);
    return account;
}

void pools_set_level(struct pools *pools, struct slice tenant, uint8_t level)
{
    struct account *account;

    levels_set(&pools->levels, tenant, level);
    HASH_FIND(hh, pools->accounts, tenant.p, tenant.n, account);
    if (account != NULL) {
        account->log_level = level;
    }
}

/* The tenant's lanes become what its gate says. */
static void follow_tenant(struct pools *pools, struct slice tenant)
{
    struct account *account;
    struct pool *pool;
    struct pool *next;

    HASH_FIND(hh, pools->accounts, tenant.p, tenant.n, account);
    if (account == NULL) {
        return;
    }
    account = pools_account(pools, tenant);
    HASH_ITER (hh, pools->pools, pool, next) {
        pool_set_held(pool, account, account->paused);
    }
}

void pools_retry_full(struct pools *pools, const char *tenant)
{
    struct account *account;

    HASH_FIND_STR(pools->accounts, tenant, account);
    if (account != NULL) {
        lane_retry_full(account, NULL);
    }
}

/* Every pool becomes what the gates say. */
static void follow(struct pools *pools)
{
    struct pool *pool;
    struct pool *next;

    HASH_ITER (hh, pools->pools, pool, next) {
        bool shut = is_shut(pools, pool);
        if (pool->paused != shut) {
            pool_set_paused(pool, shut);
        }
    }
    pools_tell_watches(pools);
}

static void follow_one(struct pools *pools, enum gate_kind kind, struct slice name)
{
    if (kind == GATE_TENANT) {
        follow_tenant(pools, name);
    }
    follow(pools);
}

void pools_shut(struct pools *pools, enum gate_kind kind, struct slice name, uint32_t flags)
{
    gates_add(&pools->gates, kind, name, flags);
    follow_one(pools, kind, name);
}

void pools_open(struct pools *pools, enum gate_kind kind, struct slice name, uint32_t flags)
{
    gates_remove(&pools->gates, kind, name, flags);
    if (kind == GATE_TENANT && (flags & GATE_SUSPENDED) != 0) {
        pools_account(pools, name)->tampers = 0;
    }
    follow_one(pools, kind, name);
}

void pools_shut_all(struct pools *pools, uint32_t flags)
{
    pools->gates.all |= flags;
    follow(pools);
}

void pools_open_all(struct pools *pools, uint32_t flags)
{
    pools->gates.all &= ~flags;
    follow(pools);
}
