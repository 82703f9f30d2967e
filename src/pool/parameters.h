// SPDX-License-Identifier: MIT
//
// parameters: what a server has reported, the last value of each parameter: ParameterStatus
// messages in a row, as they are sent to clients, and where among them those stand that follow a
// client. A zeroed struct has none; whoever holds it owns the memory. Pure.
#ifndef POOL_PARAMETERS_H
#define POOL_PARAMETERS_H

#include "base/buf.h"
#include "tenant/context.h"
#include "tenant/tracked.h"

/* Where a value stands. */
struct parameter_place {
    uint32_t at; /* in the messages; 0 where the parameter was not reported */
    uint32_t n;  /* bytes */
};

struct parameters {
    struct buf
        messages; /* nothing of it is consumed: ParameterStatus messages, each parameter once */
    struct parameter_place values[TRACKED_COUNT]; /* by number */
    bool strange; /* some of them PostgreSQL itself does not report */
};

/* Takes over messages as a server sent them, in place of what was there. */
void parameters_take(struct parameters *p, struct buf *messages);

void parameters_copy(struct parameters *to, const struct parameters *from);
void parameters_release(struct parameters *p);

static inline bool parameters_known(const struct parameters *p)
{
    return buf_size(&p->messages) > 0;
}

/* The value of a parameter; p is NULL where it is not there. */
struct slice parameters_find(const struct parameters *p, struct slice name);

/* The value of a tracked one by its number; p is NULL where it is not there. */
static inline struct slice parameters_value(const struct parameters *p, int number)
{
    const struct parameter_place *place = &p->values[number];
    return place->at == 0 ? SLICE_EMPTY : slice_of(p->messages.p + place->at, place->n);
}

/* Puts a value in place of the parameter's last one; one that was never there is not taken in. */
void parameters_set(struct parameters *p, struct slice name, struct slice value);

/* Appends the messages for a client, its context's own values in their places. */
void parameters_greet(const struct parameters *p, const struct context *context, struct buf *out);

#endif
