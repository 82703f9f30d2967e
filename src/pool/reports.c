// SPDX-License-Identifier: MIT
#include "pool/reports.h"

#include "base/limits.h"
#include "base/log.h"
#include "wire/cursor.h"
#include "wire/error.h"
#include "wire/frame.h"

/* A standby that was promoted is no place for who wants a standby. */
static void follow_role(struct backend *b)
{
    if (!b->close_when_free && !backend_has_role(b)) {
        struct log_origin origin = backend_origin(b);
        log_about(LOG_INFO, &origin, "server has another role now host=%s port=%d", b->host,
                  b->port);
        b->close_when_free = true;
    }
}

bool reports_note(struct backend *b, struct slice body)
{
    struct cursor c = cursor_of(body);
    struct slice name = cursor_cstr(&c);
    struct slice value = cursor_cstr(&c);

    if (c.bad) {
        return false;
    }
    parameters_set(&b->parameters, name, value);
    if (b->role != SERVER_ANY) {
        follow_role(b);
    }
    return true;
}

/* Nobody is linked who would follow it: the connection remembers, so that the next switch resets
 * it. */
static void adopt_parameter(struct backend *b, struct slice name, struct slice value)
{
    if (backend_in_force(b) == NULL || tracked_number(name) < 0) {
        return;
    }
    struct context *changed = context_with(b->contexts, b->context, name, value);
    if (changed != NULL) {
        backend_set_context_as_reported(b, changed);
        context_unref(b->contexts, changed);
    }
}

int reports_take(struct backend *b, struct slice body)
{
    struct cursor c = cursor_of(body);
    struct slice name = cursor_cstr(&c);
    struct slice value = cursor_cstr(&c);

    if (!reports_note(b, body)) {
        return ERR_PROTOCOL;
    }
    if (b->user != NULL) {
        return b->user_ops->on_report(b->user, name, value) ? 1 : 0;
    }
    adopt_parameter(b, name, value);
    return 1;
}

void reports_notice(struct backend *b, struct slice body)
{
    struct cursor c = cursor_of(body);

    if (b->user == NULL || b->user_ops->on_notice == NULL) {
        return;
    }
    for (uint8_t field = cursor_u8(&c); !c.bad && field != 0; field = cursor_u8(&c)) {
        struct slice text = cursor_cstr(&c);
        if (!c.bad && field == 'C') {
            b->user_ops->on_notice(b->user, text);
            return;
        }
    }
}

ptrdiff_t reports_walk_idle(struct backend *b, struct slice view, struct err *err)
{
    struct error_fields fields;
    struct frame frame;
    size_t at = 0;

    while (at < view.n) {
        enum frame_result result = frame_peek(slice_from(view, at), &frame);
        if (result == FRAME_SHORT ||
            (result == FRAME_OK && frame.size > view.n - at && frame.size <= LIMIT_WHOLE_MESSAGE)) {
            break;
        }
        struct slice message = slice_from(view, at);
        if (result == FRAME_OK && frame.type == WIRE_ERROR &&
            error_parse(frame_body(message, &frame), &fields) == 0) {
            error_to_err(&fields, err);
            return ERR_SERVER;
        }
        if (result == FRAME_BAD || frame.size > view.n - at ||
            (frame.type != WIRE_NOTICE && frame.type != WIRE_NOTIFICATION &&
             frame.type != WIRE_PARAMETER_STATUS)) {
            return err_set(err, ERR_PROTOCOL, "server sent an unexpected message while idle");
        }
        if (frame.type == WIRE_PARAMETER_STATUS) {
            (void)reports_note(b, frame_body(message, &frame));
            if (b->close_when_free) {
                return err_set(err, ERR_CONNECTION, "the server has another role now");
            }
        }
        at += frame.size;
    }
    return (ptrdiff_t)at;
}
