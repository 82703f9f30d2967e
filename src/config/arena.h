// SPDX-License-Identifier: MIT
//
// arena: memory that is given back all at once, as a snapshot's. It may have held secrets, so it is
// overwritten before it is freed. A zeroed struct is an empty arena. One thread.
#ifndef CONFIG_ARENA_H
#define CONFIG_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t used;                /* bytes of the newest that are taken */
};

/* Cleared, and aligned for anything. */
void *arena_alloc(struct arena *a, size_t n);

/* Copies: a C string of the slice's bytes; n bytes as they are (NULL for none). */
char *arena_string(struct arena *a, struct slice s);
void *arena_copy(struct arena *a, const void *p, size_t n);

void arena_fini(struct arena *a);

#endif
