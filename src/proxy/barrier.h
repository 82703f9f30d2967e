// SPDX-License-Identifier: MIT
//
// barrier: a client's own DISCARD ALL or RESET takes its tenant's context away. What it sends
// behind that batch waits until the batch is answered: then the connection is released and put in
// the context anew, or, in session mode, the tenant's own settings are asserted. Pure.
#ifndef PROXY_BARRIER_H
#define PROXY_BARRIER_H

#include "wire/frame.h"

/* Where a client stands. */
enum barrier {
    BARRIER_NONE,
    BARRIER_AHEAD, /* the batch that is open has such a statement */
    BARRIER_UP     /* that batch is sent, and nothing may follow yet */
};

enum barrier_look { BARRIER_PASS, BARRIER_SHORT, BARRIER_RAISE };

/* A look at the message at the start of `rest`: no such statement, too little of it to tell, or
 * one.
 */
enum barrier_look barrier_look(struct slice rest, const struct frame *frame);

#endif
