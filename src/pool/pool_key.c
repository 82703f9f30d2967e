// SPDX-License-Identifier: MIT
#include "pool/pool_key.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tenant/hash.h"

/* Any key will do: who could choose names that collide only slows one worker's clients, and names
 * come out of the configuration. The same after every start, so that figures can be compared. */
static const struct hash_key hash_key = {.k0 = 0x6661687265 /* "fahre" */, .k1 = 1};

static void add(struct pool_key *key, const char *part)
{
    size_t n = strnlen(part, POOL_KEY_PART - 1);

    memcpy(key->bytes + key->size, part, n);
    key->bytes[key->size + n] = '\0';
    key->size += n + 1;
    assert(key->size <= sizeof key->bytes);
}

static uint32_t choose_shard(const struct tenant *tenant, const struct plan *plan, uint64_t client,
                             uint32_t shards)
{
    uint64_t spread =
        plan->dedicated ? client : hash_bytes(&hash_key, 0, slice_str(tenant->name), false);

    return (uint32_t)(spread % shards);
}

void pool_key_build(struct pool_key *key, const struct tenant *tenant, const struct plan *plan,
                    uint64_t client, bool replicates)
{
    uint32_t shards = replicates ? 1 : (uint32_t)tenant->config->pool.shards;
    char number[24] = "";

    key->size = 0;
    key->shards = shards == 0 ? 1 : shards;
    key->shard = choose_shard(tenant, plan, client, key->shards);
    if (replicates) {
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)client);
    }
    add(key, plan->server);
    add(key, plan->database);
    add(key, plan->role);
    add(key, plan->dedicated ? tenant->name : "");
    add(key, number);
    key->hash = hash_bytes(&hash_key, 0, slice_of(key->bytes, key->size), false);
    if (key->shards > 1) {
        (void)snprintf(number, sizeof number, "%u", key->shard);
        add(key, number);
    }
}

int pool_key_share(const struct pool_key *key, int whole)
{
    int shards = (int)key->shards;

    return whole / shards + ((int)key->shard < whole % shards ? 1 : 0);
}
