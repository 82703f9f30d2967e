// SPDX-License-Identifier: MIT
#include "config/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/alloc.h"

#define CHUNK_FIRST 4096
#define CHUNK_LAST  (1U << 20)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* bytes of data */
    alignas(max_align_t) unsigned char data[];
};

/* Chunks double, so that a small configuration is small and a large one has few. */
static void add_chunk(struct arena *a, size_t least)
{
    size_t size = a->chunks == NULL ? CHUNK_FIRST : a->chunks->size * 2;

    size = size > CHUNK_LAST ? CHUNK_LAST : size;
    size = size < least ? least : size;
    struct arena_chunk *chunk = x_zalloc(sizeof *chunk + size);
    chunk->next = a->chunks;
    chunk->size = size;
    a->chunks = chunk;
    a->used = 0;
}

static void *take(struct arena *a, size_t n)
{
    if (a->chunks == NULL || a->used > a->chunks->size || a->chunks->size - a->used < n) {
        add_chunk(a, n);
    }
    void *p = a->chunks->data + a->used;
    a->used += n;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    a->used = (a->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    return take(a, n);
}

char *arena_string(struct arena *a, struct slice s)
{
    char *copy = take(a, s.n + 1);

    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    return copy;
}

void *arena_copy(struct arena *a, const void *p, size_t n)
{
    if (n == 0) {
        return NULL;
    }
    return memcpy(arena_alloc(a, n), p, n);
}

void arena_fini(struct arena *a)
{
    while (a->chunks != NULL) {
        struct arena_chunk *chunk = a->chunks;
        a->chunks = chunk->next;
        secure_zero(chunk->data, chunk->size);
        free(chunk);
    }
    a->used = 0;
}
