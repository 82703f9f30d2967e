// SPDX-License-Identifier: MIT
#include "proxy/follow.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "proxy/tamper.h"
#include "tenant/appname.h"
#include "wire/build.h"

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

/* What every client that its server connection suits was greeted with. */
static struct slice welcome(const struct frontend *f, int number)
{
    return parameters_value(&f->request.birth->welcome, number);
}

/* What should be in force: what its context says, else what it was greeted with. */
static struct slice expected(const struct frontend *f, int number)
{
    const struct context_setting *own = context_tracked(f->request.context, number);

    return own != NULL ? own->value : welcome(f, number);
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
    char client[ADDR_TEXT];
    struct appname as = {.pattern = slice_str(f->tenant->application_name),
                         .tenant = slice_str(frontend_account(f)->name)};
    struct context *old = f->request.context;
    char made[NAME_SIZE];
    struct slice own;

    addr_print_host(&f->peer, client, sizeof client);
    as.client_addr = slice_str(client);
    bool ours = appname_own(&as, value, &own);
    own = ours ? own : value;
    appname_make(&as, own, made);
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
    int number = tracked_number(name);

    if (number < 0 ||
        (context_tracked(old, number) == NULL && slice_eq(welcome(f, number), value))) {
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
        if (!slice_eq(expected(f, tracked_number(name)), value)) { /* else the switch's own */
            take_name(f, name, value);
        }
        return false;
    }
    take_setting(f, name, value);
    return true;
}

/* The switch's values, and what came of them in the batch, for each tracked parameter. A connection
 * that says what the pool greets with can differ only in what the client's context sets. */
static void compare(struct frontend *f, struct buf *out)
{
    const struct parameters *said = &f->backend->parameters;
    const struct parameters *greeting = &f->request.birth->welcome;
    bool same = slice_eq(buf_slice(&said->messages), buf_slice(&greeting->messages));

    if (same && !f->request.context->tracks) {
        return;
    }
    for (int number = 0; number < TRACKED_COUNT; number++) {
        struct slice value = parameters_value(said, number);
        if (same && context_tracked(f->request.context, number) == NULL) {
            continue;
        }
        if (value.p != NULL && !slice_eq(expected(f, number), value) &&
            follow_report(f, tracked_name(number), value)) {
            build_parameter_status(out, tracked_name(number), value);
        }
    }
}

void follow_reported(struct frontend *f)
{
    struct buf out = {0};

    compare(f, &out);
    if (f->renamed) {
        build_parameter_status(&out, slice_str("application_name"), slice_str(f->application_name));
        f->renamed = false;
    }
    if (buf_size(&out) > 0) {
        (void)frontend_send(f, buf_slice(&out));
        buf_release(&out);
    }
}
