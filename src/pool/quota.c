// SPDX-License-Identifier: MIT
#include "pool/quota.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"

struct quota_entry {
    UT_hash_handle hh;
    char *name;
    struct quota quota;
};

void quotas_init(struct quotas *quotas)
{
    (void)pthread_mutex_init(&quotas->lock, NULL);
    quotas->entries = NULL;
}

void quotas_fini(struct quotas *quotas)
{
    struct quota_entry *entry;
    struct quota_entry *next;

    HASH_ITER (hh, quotas->entries, entry, next) {
        HASH_DEL(quotas->entries, entry);
        free(entry->name);
        free(entry);
    }
    (void)pthread_mutex_destroy(&quotas->lock);
}

struct quota *quota_find_or_add(struct quotas *quotas, struct slice name)
{
    struct quota_entry *entry;

    (void)pthread_mutex_lock(&quotas->lock);
    HASH_FIND(hh, quotas->entries, name.p, name.n, entry);
    if (entry == NULL) {
        entry = x_zalloc(sizeof *entry);
        entry->name = x_strndup(name);
        HASH_ADD_KEYPTR(hh, quotas->entries, entry->name, name.n, entry);
    }
    (void)pthread_mutex_unlock(&quotas->lock);
    return &entry->quota;
}

bool quota_take(_Atomic uint32_t *count, uint32_t most)
{
    uint32_t now = atomic_load(count);

    do {
        if (most != 0 && now >= most) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(count, &now, now + 1));
    return true;
}
