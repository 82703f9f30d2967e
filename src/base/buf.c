// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static size_t grown(size_t cap, size_t need)
{
    size_t n = cap == 0 ? 256 : cap;

    while (n < need) {
        n *= 2;
    }
    return n;
}

uint8_t *buf_make_room(struct buf *b, size_t n)
{
    if (b->off > 0) {
        memmove(b->p, b->p + b->off, b->len - b->off);
        b->len -= b->off;
        b->off = 0;
    }
    size_t need = b->len + n;
    assert(need <= BUF_MAX);
    if (need > b->cap) {
        b->cap = (uint32_t)grown(b->cap, need);
        b->p = x_realloc(b->p, b->cap);
    }
    return b->p + b->len;
}

void buf_append(struct buf *b, const void *p, size_t n)
{
    if (n > 0) {
        memcpy(buf_reserve(b, n), p, n);
        buf_commit(b, n);
    }
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    uint8_t *room = buf_reserve(b, (size_t)n + 1);
    va_start(ap, fmt);
    (void)vsnprintf((char *)room, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf_commit(b, (size_t)n);
}

void buf_append_be16(struct buf *b, uint16_t v)
{
    uint8_t *p = buf_reserve(b, 2);

    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    buf_commit(b, 2);
}

void buf_append_be32(struct buf *b, uint32_t v)
{
    uint8_t *p = buf_reserve(b, 4);

    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
    buf_commit(b, 4);
}

void buf_append_cstr(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s) + 1);
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= buf_size(b));
    b->off += (uint32_t)n;
    if (b->off == b->len) {
        buf_clear(b);
    }
}

void buf_release(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

void buf_release_secret(struct buf *b)
{
    secure_zero(b->p, b->cap);
    buf_release(b);
}
