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
    context_table_init(&pools->contexts);
    slab_init(&pools->backends, sizeof(struct backend));
}

void pools_close(struct pools *pools)
{
    struct pool *pool;
    struct pool *next;

    pools->draining = true;
    HASH_ITER (hh, pools->pools, pool, next) {
        deadline_disarm(&pool->retry);
        deadline_disarm(&pool->reserve);
        while (!list_empty(&pool->all)) {
            backend_close(container_of(list_head(&pool->all), struct backend, pool_node), NULL);
        }
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
    host_free_all(&pools->hosts);
    account_free_all(&pools->accounts);
    context_table_fini(&pools->contexts);
    slab_fini(&pools->backends);
}

/* Server, database and role, and of a dedicated pool the tenant, each ended by a NUL. */
static size_t make_key(char *key, const struct tenant *tenant, const struct plan *plan,
                       const struct pool_replication *replication)
{
    char client[24] = "";

    if (replication != NULL) {
        (void)snprintf(client, sizeof client, "%llu", (unsigned long long)replication->client);
    }
    const char *parts[] = {plan->server, plan->database, plan->role,
                           plan->dedicated ? tenant->name : "", client};
    size_t at = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = strnlen(parts[i], 255) + 1;
        memcpy(key + at, parts[i], n);
        at += n;
    }
    return at;
}

/* Whether by order nothing of this pool may be granted. */
static bool is_shut(const struct pools *pools, const struct pool *pool)
{
    uint32_t flags = gates_get(&pools->gates, GATE_DATABASE, slice_str(pool->database));

    flags |= pools->gates.all | gates_get(&pools->gates, GATE_TENANT, slice_str(pool_tenant(pool)));
    return (flags & (GATE_PAUSED | GATE_SUSPENDED)) != 0;
}

static struct pool *add(struct pools *pools, const struct plan *plan, const struct config *config,
                        const char *key, size_t key_size)
{
    struct host *host =
        host_find_or_add(&pools->hosts, plan->server, pools->budget(pools->data, plan->server));
    struct pool *pool = pool_new(pools, host, key, key_size);

    pool->config = config_ref(config);
    pool->server = config_server(config, plan->server);
    pool->database = x_strdup(plan->database);
    pool->role = x_strdup(plan->role);
    pool->dedicated = plan->dedicated;
    pool->paused = is_shut(pools, pool);
    HASH_ADD_KEYPTR(hh, pools->pools, pool->key, key_size, pool);
    return pool;
}

struct pool *pools_find_or_add(struct pools *pools, const struct tenant *tenant,
                               const struct plan *plan, const struct config *config,
                               const char *secret, const struct pool_replication *replication,
                               struct err *err)
{
    char key[5 * 256];
    size_t key_size = make_key(key, tenant, plan, replication);
    struct pool *pool;

    if (config_server(config, plan->server) == NULL) {
        (void)err_set(err, ERR_CONFIG, "server \"%s\" is not configured", plan->server);
        return NULL;
    }
    HASH_FIND(hh, pools->pools, key, key_size, pool);
    if (pool == NULL) {
        pool = add(pools, plan, config, key, key_size);
        pool->replication = replication == NULL ? NULL : x_strdup(replication->mode);
    }
    pool_adopt(pool, &tenant->config->pool);
    credential_set_secret(&pool->credential, secret);
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

static bool same_place(const struct server_config *a, const struct server_config *b)
{
    return a->port == b->port && same_strings(&a->host, &b->host);
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
    pool->adopted = false; /* the next login brings the new settings */
}

void pools_reconfigure(struct pools *pools, const struct config *config)
{
    struct pool *pool;
    struct pool *next;

    HASH_ITER (hh, pools->pools, pool, next) {
        reconfigure(pool, config);
    }
}

/* ---- by order of the console ---- */

struct account *pools_account(struct pools *pools, struct slice tenant)
{
    struct account *account = account_find_or_add(&pools->accounts, tenant);

    account->paused =
        (gates_get(&pools->gates, GATE_TENANT, tenant) & (GATE_PAUSED | GATE_SUSPENDED)) != 0;
    return account;
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
