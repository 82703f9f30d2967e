// SPDX-License-Identifier: MIT
#include "pool/parameters.h"

#include "wire/build.h"
#include "wire/frame.h"

/* One message of the row, and what it says. */
struct report {
    uint32_t at; /* where the message begins */
    uint32_t size;
    struct slice name;
    struct slice value;
    bool whole; /* it has a name and a value, and nothing more */
};

/* The report at a position of the row; false at its end. */
static bool read_report(const struct parameters *p, uint32_t at, struct report *report)
{
    struct slice rest = slice_from(buf_slice(&p->messages), at);
    struct frame frame;

    if (frame_peek(rest, &frame) != FRAME_OK || frame.size > rest.n) {
        return false;
    }
    struct cursor c = cursor_of(frame_body(rest, &frame));
    report->at = at;
    report->size = frame.size;
    report->name = cursor_cstr(&c);
    report->value = cursor_cstr(&c);
    report->whole = !c.bad && c.left.n == 0;
    return true;
}

void parameters_take(struct parameters *p, struct buf *messages)
{
    struct report report;

    parameters_release(p);
    p->messages = *messages;
    *messages = (struct buf){0};
    for (uint32_t at = 0; read_report(p, at, &report); at += report.size) {
        int number = report.whole ? tracked_number(report.name) : -1;
        if (number >= 0) {
            p->values[number] = (struct parameter_place){
                .at = at + FRAME_HEADER + (uint32_t)report.name.n + 1,
                .n = (uint32_t)report.value.n,
            };
        } else if (!tracked_describes_server(report.name)) {
            p->strange = true;
        }
    }
}

void parameters_copy(struct parameters *to, const struct parameters *from)
{
    parameters_release(to);
    *to = *from;
    to->messages = (struct buf){0};
    buf_append_slice(&to->messages, buf_slice(&from->messages));
}

void parameters_release(struct parameters *p)
{
    buf_release(&p->messages);
    *p = (struct parameters){.strange = false};
}

/* The report of that name; false where there is none. */
static bool find(const struct parameters *p, struct slice name, struct report *report)
{
    for (uint32_t at = 0; read_report(p, at, report); at += report->size) {
        if (setting_name_eq(report->name, name)) {
            return true;
        }
    }
    return false;
}

struct slice parameters_find(const struct parameters *p, struct slice name)
{
    struct report report;

    return find(p, name, &report) ? report.value : SLICE_EMPTY;
}

void parameters_set(struct parameters *p, struct slice name, struct slice value)
{
    struct slice old = buf_slice(&p->messages);
    struct buf changed = {0};
    struct report report;

    if (!find(p, name, &report) || slice_eq(report.value, value)) {
        return;
    }
    buf_append_slice(&changed, slice_head(old, report.at));
    build_parameter_status(&changed, report.name, value);
    buf_append_slice(&changed, slice_from(old, report.at + report.size));
    parameters_take(p, &changed);
}

/* Whether a context has a value of its own for something that is reported. */
static bool concerns(const struct parameters *p, const struct context *context)
{
    return context->tracks || (p->strange && context->count > 0);
}

void parameters_greet(const struct parameters *p, const struct context *context, struct buf *out)
{
    struct slice messages = buf_slice(&p->messages);
    struct report report;

    if (!concerns(p, context)) {
        buf_append_slice(out, messages);
        return;
    }
    for (uint32_t at = 0; read_report(p, at, &report); at += report.size) {
        const struct context_setting *own = context_find(context, report.name);
        if (own == NULL) {
            buf_append_slice(out, slice_head(slice_from(messages, at), report.size));
        } else {
            build_parameter_status(out, report.name, own->value);
        }
    }
}
