// SPDX-License-Identifier: MIT
//
// prepared: which of the clients' named statements exist on one server connection, by number, the
// latest used first. Bounded: whoever adds beyond the bound is told which one to close. One thread.
#ifndef POOL_PREPARED_H
#define POOL_PREPARED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct prepared_entry;

struct prepared {
    struct prepared_entry *entries; /* uthash by number */
    struct list used;               /* the latest used first */
    uint32_t count;
};

void prepared_init(struct prepared *prepared);

/* Whether the statement is there; if so it counts as used now. */
bool prepared_use(struct prepared *prepared, uint32_t number);
void prepared_add(struct prepared *prepared, uint32_t number);
void prepared_remove(struct prepared *prepared, uint32_t number);

/* While more than `most` are there: removes the least recently used one and returns its number;
 * else 0. */
uint32_t prepared_evict(struct prepared *prepared, uint32_t most);

/* Forgets all: they are gone from the server. */
void prepared_clear(struct prepared *prepared);

#endif
