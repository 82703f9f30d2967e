// SPDX-License-Identifier: MIT
#include "proxy/reply.h"

#include "wire/build.h"
#include "wire/frame.h"

static void add_parameter(struct buf *out, struct slice message, const struct frame *frame,
                          const struct context *context)
{
    struct cursor c = cursor_of(frame_body(message, frame));
    struct slice name = cursor_cstr(&c);
    const struct context_setting *own = context_find(context, name);

    if (own == NULL) {
        buf_append(out, message.p, frame->size);
    } else {
        build_parameter_status(out, name, own->value);
    }
}

void reply_welcome(struct buf *out, const struct pool *pool, const struct context *context,
                   uint32_t pid, const uint8_t key[4])
{
    struct slice rest = buf_slice(&pool->welcome);
    struct frame frame;

    while (frame_peek(rest, &frame) == FRAME_OK) {
        add_parameter(out, rest, &frame, context);
        rest = slice_from(rest, frame.size);
    }
    build_backend_key(out, pid, slice_of(key, 4));
    build_ready(out, 'I');
}
