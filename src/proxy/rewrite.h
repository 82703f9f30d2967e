// SPDX-License-Identifier: MIT
//
// rewrite: named prepared statements in transaction mode. A client's Parse, Bind, Describe and
// Close of a named statement are rewritten on their way to the name under which the statement is
// known on the server connection at hand; where it is not known there a Parse is put in front,
// whose answer is swallowed; where it is already known a Parse goes nowhere, and its answer is made
// up when its turn comes. A name that does not exist, or exists already, becomes a message that
// fails at the server, so that the rest of the batch is skipped and rolled back as it would be, and
// the error is replaced by the right one. What a client's map was changed for is undone when the
// server never came to it.
//
// Bodies are looked into no further than their names, but for Parse, which must be whole. One
// thread.
#ifndef PROXY_REWRITE_H
#define PROXY_REWRITE_H

#include "proxy/frontend.h"
#include "wire/frame.h"

/* Bytes of a message in which the names that we need must end. */
#define REWRITE_NAMES_MAX LIMIT_SCRATCH

enum rewrite_look { REWRITE_PLAIN, REWRITE_SHORT, REWRITE_CONCERNED };

/* A cheap look at the message at the start of `rest`: none of ours, too little of it there to tell,
 * or perhaps ours. */
enum rewrite_look rewrite_look(struct slice rest, const struct frame *frame);

/* For one that may be ours. REWRITE_PLAIN: it is not, send it as it is. REWRITE_SHORT: more of it
 * is needed. Else *done of its bytes are done with: what goes to the server was appended to `out`,
 * the ledger knows what comes back, and frontend.body_left and .dropping say what becomes of the
 * rest of its body. */
enum rewrite_look rewrite_message(struct frontend *f, struct slice rest, const struct frame *frame,
                                  struct buf *out, size_t *done);

/* Who shares statements with the client: the pool's, or its tenant's there. */
const void *rewrite_scope(const struct frontend *f);

/* The callback of a backend's user. */
void rewrite_on_deallocated(struct frontend *f, bool all);

#endif
