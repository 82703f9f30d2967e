// SPDX-License-Identifier: MIT
//
// slice: bytes that somebody else owns. A slice is valid as long as the memory that it was cut
// from; whoever keeps one longer copies it. Any thread.
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *p; /* first byte; may be NULL when n is 0 */
    size_t n;         /* bytes */
};

#define SLICE_EMPTY ((struct slice){.p = NULL, .n = 0})

static inline struct slice slice_of(const void *p, size_t n)
{
    return (struct slice){.p = p, .n = n};
}

/* The bytes of a C string without its terminator; NULL gives the empty slice. */
static inline struct slice slice_str(const char *s)
{
    return slice_of(s, s == NULL ? 0 : strlen(s));
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_eq_str(struct slice a, const char *s)
{
    return slice_eq(a, slice_str(s));
}

/* What is left of s behind its first n bytes; n beyond the end gives the empty slice. */
static inline struct slice slice_from(struct slice s, size_t n)
{
    return n >= s.n ? SLICE_EMPTY : slice_of(s.p + n, s.n - n);
}

static inline struct slice slice_head(struct slice s, size_t n)
{
    return slice_of(s.p, n < s.n ? n : s.n);
}

/* Position of the first byte c, or -1. */
static inline ptrdiff_t slice_find(struct slice s, uint8_t c)
{
    const uint8_t *hit = s.n == 0 ? NULL : memchr(s.p, c, s.n);
    return hit == NULL ? -1 : hit - s.p;
}

#endif
