// SPDX-License-Identifier: MIT
//
// buf: bytes in a row that grow at the end and are consumed at the front. An empty buf owns no
// memory after buf_release, which is how an idle connection comes to own none. A zeroed struct is
// an empty buf. Whoever holds the struct owns the memory. One thread.
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/slice.h"

struct buf {
    uint8_t *p;   /* NULL when cap is 0 */
    uint32_t off; /* bytes already consumed */
    uint32_t len; /* bytes valid, counted from p; off <= len <= cap */
    uint32_t cap; /* bytes allocated */
};

/* The largest buf; an append beyond it aborts, so what a peer sends is bounded before. */
#define BUF_MAX (1U << 30)

static inline uint32_t buf_size(const struct buf *b)
{
    return b->len - b->off;
}

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->p == NULL ? NULL : b->p + b->off, b->len - b->off);
}

/* Moves or allocates so that n more bytes fit; returns where they go. */
uint8_t *buf_make_room(struct buf *b, size_t n);

/* Makes room for n more bytes and returns where to put them; buf_commit says how many were put. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
    return b->len + n <= b->cap && b->cap > 0 ? b->p + b->len : buf_make_room(b, n);
}

static inline void buf_commit(struct buf *b, size_t n)
{
    b->len += (uint32_t)n;
}

void buf_append(struct buf *b, const void *p, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.p, s.n);
}

static inline void buf_append_u8(struct buf *b, uint8_t v)
{
    buf_append(b, &v, 1);
}

void buf_append_be16(struct buf *b, uint16_t v);
void buf_append_be32(struct buf *b, uint32_t v);

/* A C string with its terminator. */
void buf_append_cstr(struct buf *b, const char *s);

/* Drops n bytes at the front; the memory stays until the next reserve, clear or release. */
void buf_consume(struct buf *b, size_t n);

/* Empties and keeps the memory. */
static inline void buf_clear(struct buf *b)
{
    b->off = b->len = 0;
}

/* Empties and gives the memory back. */
void buf_release(struct buf *b);

/* The same, overwriting it first: for buffers that held secrets. */
void buf_release_secret(struct buf *b);

#endif
