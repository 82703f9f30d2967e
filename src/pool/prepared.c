// SPDX-License-Identifier: MIT
#include "pool/prepared.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"

struct prepared_entry {
    UT_hash_handle hh; /* by number */
    uint32_t number;
    struct list node; /* in prepared.used */
};

void prepared_init(struct prepared *prepared)
{
    *prepared = (struct prepared){0};
    list_init(&prepared->used);
}

static struct prepared_entry *find(const struct prepared *prepared, uint32_t number)
{
    struct prepared_entry *entry;

    HASH_FIND(hh, prepared->entries, &number, sizeof number, entry);
    return entry;
}

bool prepared_use(struct prepared *prepared, uint32_t number)
{
    struct prepared_entry *entry = find(prepared, number);

    if (entry == NULL) {
        return false;
    }
    list_remove(&entry->node);
    list_push_head(&prepared->used, &entry->node);
    return true;
}

void prepared_add(struct prepared *prepared, uint32_t number)
{
    if (prepared_use(prepared, number)) {
        return;
    }
    struct prepared_entry *entry = x_zalloc(sizeof *entry);
    entry->number = number;
    HASH_ADD(hh, prepared->entries, number, sizeof entry->number, entry);
    list_push_head(&prepared->used, &entry->node);
    prepared->count++;
}

static void drop(struct prepared *prepared, struct prepared_entry *entry)
{
    HASH_DEL(prepared->entries, entry);
    list_remove(&entry->node);
    prepared->count--;
    free(entry);
}

void prepared_remove(struct prepared *prepared, uint32_t number)
{
    struct prepared_entry *entry = find(prepared, number);

    if (entry != NULL) {
        drop(prepared, entry);
    }
}

uint32_t prepared_evict(struct prepared *prepared, uint32_t most)
{
    if (prepared->count <= most) {
        return 0;
    }
    struct prepared_entry *entry =
        container_of(list_tail(&prepared->used), struct prepared_entry, node);
    uint32_t number = entry->number;
    drop(prepared, entry);
    return number;
}

void prepared_clear(struct prepared *prepared)
{
    while (!list_empty(&prepared->used)) {
        drop(prepared, container_of(list_head(&prepared->used), struct prepared_entry, node));
    }
}
