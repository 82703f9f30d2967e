// SPDX-License-Identifier: MIT
//
// script: what a client says next, made up at random: a burst of requests that leans towards what
// is interesting in the state that the session will be in by then. It need not be right about that
// state, only the model must.
#ifndef ORACLE_SCRIPT_H
#define ORACLE_SCRIPT_H

#include "model.h"
#include "rng.h"

enum { SCRIPT_MAX = 400 };

struct script {
    struct request items[SCRIPT_MAX];
    unsigned count;
    unsigned at;        /* the next one to be sent */
    bool cancellable;   /* what a cancel leads to is certain at every point of it; set before: it
                         * must be */
    struct model ahead; /* the session when all of it is answered */
    uint32_t number;    /* the last one used */
    bool gate_next;
    bool open; /* there are requests behind the last Sync or Query */
};

/* Makes the next burst, when the last one was sent. `quiet`: nothing is unanswered, so that `now`
 * is how the session is. */
void script_make(struct script *script, struct rng *rng, const struct model *now, bool quiet);

#endif
