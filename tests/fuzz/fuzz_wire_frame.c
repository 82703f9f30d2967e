// SPDX-License-Identifier: MIT
//
// fuzz_wire_frame: the input is a stream of messages. Each is walked by its header; the body of one
// that is whole is read with a cursor, by itself as the list of what to read.
#include <assert.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(struct cursor *c, uint8_t what)
{
    switch (what % 5) {
    case 0:
        (void)cursor_u8(c);
        break;
    case 1:
        (void)cursor_be16(c);
        break;
    case 2:
        (void)cursor_be32(c);
        break;
    case 3:
        (void)cursor_cstr(c);
        break;
    default:
        (void)cursor_bytes(c, what);
        break;
    }
}

static void check_cursor(struct slice body)
{
    struct cursor c = cursor_of(body);

    for (size_t i = 0; i < body.n; i++) {
        size_t before = c.left.n;
        read_one(&c, body.p[i]);
        assert(c.left.n <= before);
        assert(!c.bad || c.left.n == before);
    }
    if (c.bad) {
        assert(cursor_u8(&c) == 0 && cursor_be32(&c) == 0 && cursor_cstr(&c).n == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice left = slice_of(data, size);
    struct frame frame;
    enum frame_result result = frame_peek(left, &frame);

    for (; result == FRAME_OK && frame.size <= left.n; result = frame_peek(left, &frame)) {
        assert(frame.size >= FRAME_HEADER && frame.type == left.p[0]);
        struct slice body = frame_body(left, &frame);
        assert(body.n == frame.size - FRAME_HEADER);
        check_cursor(body);
        left = slice_from(left, frame.size);
    }
    assert((result == FRAME_SHORT) == (left.n < FRAME_HEADER));
    return 0;
}
