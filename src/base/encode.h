// SPDX-License-Identifier: MIT
//
// encode: base64 (RFC 4648, with padding, strict) and lower-case hex. Pure.
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"
#include "base/slice.h"

/* Characters that n bytes take in base64, without a terminator. */
static inline size_t base64_size(size_t n)
{
    return (n + 2) / 3 * 4;
}

void base64_append(struct buf *out, struct slice in);

/* Writes at most cap bytes; returns how many, or -1 for anything that is not canonical base64 or
 * does not fit. */
ptrdiff_t base64_decode(struct slice in, uint8_t *out, size_t cap);

/* Writes 2 * in.n characters and a terminator. */
void hex_encode(struct slice in, char *out);

#endif
