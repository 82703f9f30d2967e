// SPDX-License-Identifier: MIT
#include "proxy/follow.h"

#include "proxy/tamper.h"
#include "tenant/session.h"
#include "wire/frame.h"

void follow_report(struct frontend *f, struct slice name, struct slice value)
{
    struct context *old = f->request.context;
    struct context_table *table = &f->proxy->pools.contexts;

    tamper_on_report(f, name, value);
    if (!session_tracks(name) ||
        (context_find(old, name) == NULL &&
         slice_eq(pool_welcome_value(f->request.lane->pool, name), value))) {
        return;
    }
    struct context *changed = context_with(table, old, name, value);
    if (changed == NULL) {
        return; /* too many: it is the connection's, and its tag says that it is unknown */
    }
    if (f->backend->context == old) {
        backend_set_context_as_reported(f->backend, changed);
    }
    f->request.context = changed;
    context_unref(table, old);
}

/* What the client believes to be in force: what its context says, else what it was greeted with. */
static struct slice believed(const struct frontend *f, struct slice name)
{
    const struct context_setting *own = context_find(f->request.context, name);

    return own != NULL ? own->value : pool_welcome_value(f->request.lane->pool, name);
}

void follow_reported(struct frontend *f)
{
    struct slice rest = buf_slice(&f->backend->parameters);
    struct buf out = {0};
    struct frame frame;

    while (frame_peek(rest, &frame) == FRAME_OK) {
        struct cursor c = cursor_of(frame_body(rest, &frame));
        struct slice name = cursor_cstr(&c);
        struct slice value = cursor_cstr(&c);
        if (session_tracks(name) && !slice_eq(believed(f, name), value)) {
            follow_report(f, name, value);
            buf_append(&out, rest.p, frame.size);
        }
        rest = slice_from(rest, frame.size);
    }
    if (buf_size(&out) > 0) {
        (void)frontend_send(f, buf_slice(&out));
    }
    buf_release(&out);
}
