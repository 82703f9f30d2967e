// SPDX-License-Identifier: MIT
//
// snapshot: what stands behind a struct config: its memory, its references and the indexes of
// names. Private to this layer.
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include <stdatomic.h>

#include "config/arena.h"
#include "config/config.h"

/* Open addressing over an array of entries; a slot holds a position + 1, or 0. */
struct index {
    const void *entries;
    size_t size; /* bytes of an entry, whose first member is its name */
    uint32_t *slots;
    uint32_t mask;
};

struct snapshot {
    struct config config;
    struct arena arena;
    atomic_int refs;
    struct index users;
    struct index tenants;
};

/* With one reference, which config_unref(&snapshot->config) gives back. */
struct snapshot *snapshot_new(void);

/* Fills the slots; `entries` and `size` are set before. */
void index_build(struct index *index, struct arena *arena, size_t count);

#endif
