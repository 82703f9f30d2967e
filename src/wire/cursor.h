// SPDX-License-Identifier: MIT
//
// cursor: a bounded reader with a sticky error. After the first read beyond the end every read
// gives zero or nothing, so that a parser is a straight line with one check of `bad` at its end.
// Pure.
#ifndef WIRE_CURSOR_H
#define WIRE_CURSOR_H

#include "base/slice.h"

struct cursor {
    struct slice left; /* not read yet */
    bool bad;          /* something was missing */
};

static inline struct cursor cursor_of(struct slice s)
{
    return (struct cursor){.left = s};
}

static inline struct slice cursor_bytes(struct cursor *c, size_t n)
{
    if (c->bad || n > c->left.n) {
        c->bad = true;
        return SLICE_EMPTY;
    }
    struct slice head = slice_of(c->left.p, n);
    c->left = slice_from(c->left, n);
    return head;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    struct slice s = cursor_bytes(c, 1);
    return s.n == 1 ? s.p[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *c)
{
    struct slice s = cursor_bytes(c, 2);

    if (s.n != 2) {
        return 0;
    }
    return (uint16_t)((uint32_t)s.p[0] << 8 | s.p[1]);
}

static inline uint32_t be32_read(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t cursor_be32(struct cursor *c)
{
    struct slice s = cursor_bytes(c, 4);
    return s.n == 4 ? be32_read(s.p) : 0;
}

/* A C string without its terminator; a missing terminator is an error. */
static inline struct slice cursor_cstr(struct cursor *c)
{
    ptrdiff_t end = c->bad ? -1 : slice_find(c->left, 0);

    if (end < 0) {
        c->bad = true;
        return SLICE_EMPTY;
    }
    struct slice s = cursor_bytes(c, (size_t)end);
    (void)cursor_u8(c);
    return s;
}

#endif
