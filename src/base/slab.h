// SPDX-License-Identifier: MIT
//
// slab: objects of one size, recycled. Freed objects go on a list and come back cleared; `live`
// lets a test prove that nothing was left behind. Memory returns to the system when the slab is
// ended. One thread.
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab {
    size_t size;        /* bytes of one object */
    void *chunks;       /* list of the chunks allocated */
    void *free;         /* list of objects not in use */
    uint32_t live;      /* objects in use */
    uint32_t available; /* objects on the free list */
};

void slab_init(struct slab *s, size_t size);
void *slab_alloc(struct slab *s); /* cleared */
void slab_free(struct slab *s, void *object);
void slab_fini(struct slab *s); /* all objects must have been freed */

#endif
