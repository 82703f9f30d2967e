// SPDX-License-Identifier: MIT
//
// frame: the five bytes before every message after startup: its type and its length, which counts
// itself but not the type. Pure, inline: this runs once per message of every query.
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "wire/cursor.h"
#include "wire/types.h"

#define FRAME_HEADER 5

struct frame {
    uint8_t type;
    uint32_t size; /* bytes of the whole message: header and body */
};

enum frame_result { FRAME_OK, FRAME_SHORT, FRAME_BAD };

/* FRAME_SHORT: fewer than five bytes are there. FRAME_BAD: a length below 4, or above 2^31 - 2. */
static inline enum frame_result frame_peek(struct slice s, struct frame *frame)
{
    if (s.n < FRAME_HEADER) {
        return FRAME_SHORT;
    }
    uint32_t length = be32_read(s.p + 1);
    if (length < 4 || length > 0x7ffffffe) {
        return FRAME_BAD;
    }
    *frame = (struct frame){.type = s.p[0], .size = length + 1};
    return FRAME_OK;
}

/* The body of a message that is whole in s. */
static inline struct slice frame_body(struct slice s, const struct frame *frame)
{
    return slice_of(s.p + FRAME_HEADER, frame->size - FRAME_HEADER);
}

#endif
