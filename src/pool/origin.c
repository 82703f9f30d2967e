// SPDX-License-Identifier: MIT
#include "pool/origin.h"

#include "pool/pools.h"

static void name_pool(struct log_origin *origin, const struct pool *pool)
{
    origin->server = pool->server->name;
    origin->database = pool->database;
    origin->role = pool->role;
}

static void name_account(struct log_origin *origin, const struct account *account)
{
    if (account != NULL) {
        origin->tenant = account->name;
        origin->level = account->log_level;
    }
}

static const struct account *first_waiting(const struct pool *pool)
{
    const struct list *node = list_head(&pool->ring);

    return node == NULL ? NULL : container_of(node, struct lane, ring_node)->account;
}

static const struct account *account_of(const struct pool *pool)
{
    const char *tenant = pool_tenant(pool);
    const struct account *account;

    if (tenant[0] == '\0') {
        return first_waiting(pool);
    }
    HASH_FIND_STR(pool->owner->accounts, tenant, account);
    return account;
}

struct log_origin origin_of_pool(const struct pool *pool)
{
    struct log_origin origin = {.client = 0};

    name_pool(&origin, pool);
    name_account(&origin, account_of(pool));
    return origin;
}

struct log_origin origin_of_connection(const struct backend *b)
{
    const struct pool *pool = b->owner;
    struct log_origin origin = {.client = 0};

    name_pool(&origin, pool);
    name_account(&origin, b->context != NULL && context_lane(b->context) != NULL
                              ? context_lane(b->context)->account
                              : account_of(pool));
    return origin;
}

struct log_origin origin_of_request(const struct pool_request *request)
{
    struct log_origin origin = {.client = request->client};

    name_pool(&origin, request->lane->pool);
    name_account(&origin, request->lane->account);
    return origin;
}
