// SPDX-License-Identifier: MIT
#include "secret/cleared.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* What stands before a block, and keeps it aligned. */
struct head {
    alignas(max_align_t) size_t size;
};

static struct head *head_of(void *p)
{
    return (struct head *)p - 1;
}

void *cleared_malloc(size_t n)
{
    struct head *head = n > SIZE_MAX / 2 ? NULL : try_alloc(sizeof *head + n);

    if (head == NULL) {
        return NULL;
    }
    head->size = n;
    return head + 1;
}

void *cleared_calloc(size_t count, size_t size)
{
    void *p = size > 0 && count > SIZE_MAX / 2 / size ? NULL : cleared_malloc(count * size);

    if (p != NULL) {
        memset(p, 0, count * size);
    }
    return p;
}

void *cleared_realloc(void *p, size_t n)
{
    void *to = cleared_malloc(n);

    if (to != NULL && p != NULL) {
        size_t old = head_of(p)->size;
        memcpy(to, p, old < n ? old : n);
        cleared_free(p);
    }
    return to;
}

char *cleared_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = cleared_malloc(n);

    if (copy != NULL) {
        memcpy(copy, s, n);
    }
    return copy;
}

void cleared_free(void *p)
{
    if (p != NULL) {
        struct head *head = head_of(p);
        secure_zero(p, head->size);
        free(head);
    }
}
