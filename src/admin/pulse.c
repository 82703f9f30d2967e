// SPDX-License-Identifier: MIT
#include "admin/pulse.h"

#include <stdlib.h>

#include "admin/gather.h"
#include "base/alloc.h"

struct pulse {
    pulse_cb cb;
    void *data;
};

static enum gather_step say_nothing(struct proxy *proxy, const struct question *question,
                                    struct gather_part *part)
{
    (void)proxy;
    (void)question;
    (void)part;
    return GATHER_DONE;
}

static void on_returned(void *data, const struct gather *gather)
{
    struct pulse *pulse = data;

    (void)gather;
    pulse->cb(pulse->data);
    free(pulse);
}

void pulse_ask(struct admin *admin, pulse_cb cb, void *data)
{
    struct question all = {.scope = GATHER_ALL};
    struct pulse *pulse = x_alloc(sizeof *pulse);

    *pulse = (struct pulse){.cb = cb, .data = data};
    gather_start(admin, &all, say_nothing, on_returned, pulse);
}
