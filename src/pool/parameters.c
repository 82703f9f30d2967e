// SPDX-License-Identifier: MIT
#include "pool/parameters.h"

#include "tenant/setting.h"
#include "wire/build.h"
#include "wire/frame.h"

struct slice parameters_find(struct slice messages, struct slice name)
{
    struct slice rest = messages;
    struct frame frame;

    while (frame_peek(rest, &frame) == FRAME_OK) {
        struct cursor c = cursor_of(frame_body(rest, &frame));
        struct slice at = cursor_cstr(&c);
        struct slice value = cursor_cstr(&c);
        if (setting_name_eq(at, name)) {
            return value;
        }
        rest = slice_from(rest, frame.size);
    }
    return SLICE_EMPTY;
}

void parameters_set(struct buf *messages, struct slice name, struct slice value)
{
    struct slice rest = buf_slice(messages);
    struct buf out = {0};
    struct frame frame;

    while (frame_peek(rest, &frame) == FRAME_OK) {
        struct cursor c = cursor_of(frame_body(rest, &frame));
        if (setting_name_eq(cursor_cstr(&c), name)) {
            build_parameter_status(&out, name, value);
        } else {
            buf_append(&out, rest.p, frame.size);
        }
        rest = slice_from(rest, frame.size);
    }
    buf_release(messages);
    *messages = out;
}
