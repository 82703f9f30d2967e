// SPDX-License-Identifier: MIT
#include "base/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#define SLAB_OFF                                                                                   \
    1 /* every object its own allocation, so that the sanitizer sees use after free                \
       */
#else
#define SLAB_OFF 0
#endif

#define CHUNK_BYTES 65536

void slab_init(struct slab *s, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;

    *s = (struct slab){.size = rounded};
}

static void refill(struct slab *s)
{
    size_t count = CHUNK_BYTES / s->size;
    count = count == 0 ? 1 : count;
    char *chunk = x_alloc(16 + count * s->size);
    *(void **)(void *)chunk = s->chunks;
    s->chunks = chunk;
    for (size_t i = count; i > 0; i--) {
        void *object = chunk + 16 + (i - 1) * s->size;
        *(void **)object = s->free;
        s->free = object;
    }
    s->available += (uint32_t)count;
}

void *slab_alloc(struct slab *s)
{
    s->live++;
    if (SLAB_OFF) {
        return x_zalloc(s->size);
    }
    if (s->free == NULL) {
        refill(s);
    }
    void *object = s->free;
    s->free = *(void **)object;
    s->available--;
    memset(object, 0, s->size);
    return object;
}

void slab_free(struct slab *s, void *object)
{
    assert(s->live > 0);
    s->live--;
    if (SLAB_OFF) {
        free(object);
        return;
    }
    *(void **)object = s->free;
    s->free = object;
    s->available++;
}

void slab_fini(struct slab *s)
{
    assert(s->live == 0);
    while (s->chunks != NULL) {
        void *chunk = s->chunks;
        s->chunks = *(void **)chunk;
        free(chunk);
    }
    *s = (struct slab){.size = s->size};
}
