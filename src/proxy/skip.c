// SPDX-License-Identifier: MIT
#include "proxy/skip.h"

#include "proxy/message.h"
#include "wire/build.h"

size_t skip_refuse(struct frontend *f, enum frame_result result, uint8_t type)
{
    struct err err;

    if (result == FRAME_BAD) {
        (void)err_set(&err, ERR_PROTOCOL, "invalid message length");
    } else {
        (void)err_set(&err, ERR_PROTOCOL, "unknown pkt: invalid frontend message type %d", type);
    }
    frontend_close(f, &err);
    return 0;
}

size_t skip_body(struct frontend *f, struct slice rest)
{
    size_t n = f->body_left < rest.n ? f->body_left : rest.n;

    f->body_left -= (uint32_t)n;
    if (f->body_left == 0) {
        f->dropping = false;
        if (f->skip_ready) {
            struct buf out = {0};
            f->skip_ready = false;
            build_ready(&out, 'I');
            (void)conn_send_slice(&f->conn, buf_slice(&out));
            buf_release(&out);
        }
    }
    return n;
}

size_t skip_drop(struct frontend *f, struct slice rest, const struct frame *frame, bool ready)
{
    f->dropping = true;
    f->skip_ready = ready;
    f->body_left = frame->size;
    return skip_body(f, rest);
}

/* As the server after an error: a Query or FunctionCall is a batch of its own, else all goes up to
 * Sync. */
size_t skip_message(struct frontend *f, struct slice rest)
{
    struct frame frame = {0};
    enum frame_result result = frontend_peek(f, rest, &frame);

    if (result == FRAME_SHORT) {
        return 0;
    }
    enum message_class class = result == FRAME_OK ? message_classify(frame.type) : CLASS_UNKNOWN;
    if (class == CLASS_UNKNOWN) {
        return skip_refuse(f, result, frame.type);
    }
    if (class == CLASS_TERMINATE) {
        frontend_close(f, NULL);
        return 0;
    }
    bool alone = frame.type == WIRE_QUERY || frame.type == WIRE_FUNCTION_CALL;
    bool end = frame.type == WIRE_SYNC || (alone && f->skip == SKIP_BATCH);
    f->skip = end ? SKIP_NOTHING : class == CLASS_COPY ? f->skip : SKIP_TO_SYNC;
    return skip_drop(f, rest, &frame, end);
}
