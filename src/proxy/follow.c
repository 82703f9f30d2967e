// SPDX-License-Identifier: MIT
#include "proxy/follow.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "proxy/tamper.h"
#include "tenant/appname.h"
#include "tenant/session.h"
#include "wire/build.h"
#include "wire/frame.h"

static struct context_table *table_of(struct frontend *f)
{
    return &f->proxy->pools.contexts;
}

/* Takes over the reference. */
static void set_context(struct frontend *f, struct context *context)
{
    context_unref(table_of(f), f->request.context);
    f->request.context = context;
}

/* What should be in force: what its context says, else what it was greeted with. */
static struct slice expected(const struct frontend *f, struct slice name)
{
    const struct context_setting *own = context_find(f->request.context, name);

    return own != NULL ? own->value : pool_welcome_value(f->request.lane->pool, name);
}

/* ---- the name of its sessions ---- */

static bool is_named(const struct frontend *f, struct slice name)
{
    return f->application_name != NULL && setting_name_eq(name, slice_str("application_name"));
}

/* The connection is in the context with the name as it was reported, the client needs the one with
 * the name that is made of it. */
static void take_name(struct frontend *f, struct slice name, struct slice value)
{
    struct slice pattern = slice_str(f->tenant->application_name);
    struct slice tenant = slice_str(frontend_account(f)->name);
    struct context *old = f->request.context;
    char made[NAME_SIZE];
    struct slice own;

    bool ours = appname_own(pattern, tenant, value, &own);
    own = ours ? own : value;
    appname_make(pattern, tenant, own, made);
    struct context *needed = context_with_fixed(table_of(f), old, name, slice_str(made));
    struct context *reported = context_with_fixed(table_of(f), old, name, value);
    if (f->backend->context == old) {
        backend_set_context_as_reported(f->backend, reported);
    }
    f->backend->fixed_unknown = f->backend->fixed_unknown || !ours;
    free(f->application_name);
    f->application_name = x_strndup(own);
    f->renamed = f->backend->unreported = true;
    context_unref(table_of(f), reported);
    set_context(f, needed);
}

struct context *follow_shown(struct frontend *f)
{
    if (f->application_name == NULL) {
        return context_ref(f->request.context);
    }
    return context_with_fixed(table_of(f), f->request.context, slice_str("application_name"),
                              slice_str(f->application_name));
}

/* ---- every report ---- */

static void take_setting(struct frontend *f, struct slice name, struct slice value)
{
    struct context *old = f->request.context;

    if (!session_tracks(name) ||
        (context_find(old, name) == NULL &&
         slice_eq(pool_welcome_value(f->request.lane->pool, name), value))) {
        return;
    }
    struct context *changed = context_with(table_of(f), old, name, value);
    if (changed == NULL) {
        return; /* too many: it is the connection's, and its tag says that it is unknown */
    }
    if (f->backend->context == old) {
        backend_set_context_as_reported(f->backend, changed);
    }
    set_context(f, changed);
}

bool follow_report(struct frontend *f, struct slice name, struct slice value)
{
    tamper_on_report(f, name, value);
    if (is_named(f, name)) {
        if (!slice_eq(expected(f, name), value)) { /* else it is the switch's own */
            take_name(f, name, value);
        }
        return false;
    }
    take_setting(f, name, value);
    return true;
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
        if (session_tracks(name) && !slice_eq(expected(f, name), value) &&
            follow_report(f, name, value)) {
            buf_append(&out, rest.p, frame.size);
        }
        rest = slice_from(rest, frame.size);
    }
    if (f->renamed) {
        build_parameter_status(&out, slice_str("application_name"), slice_str(f->application_name));
        f->renamed = false;
    }
    if (buf_size(&out) > 0) {
        (void)frontend_send(f, buf_slice(&out));
    }
    buf_release(&out);
}
