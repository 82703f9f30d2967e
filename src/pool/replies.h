// SPDX-License-Identifier: MIT
//
// replies: the walk over what a server says to a connection that is linked or cleaning. Each
// message is held against the ledger: forwarded to the user, swallowed, or found to be out of
// place, which ends the connection, since an answer given to the wrong client is the worst that a
// proxy can do. Bodies are not looked into except those of a few small messages, and are never held
// whole to be forwarded. Called by the backend on its thread.
#ifndef POOL_REPLIES_H
#define POOL_REPLIES_H

#include "pool/backend.h"

/* Walks the view and hands runs of bytes to the user. Returns how many bytes are done with (the
 * rest is the start of a message to be kept), or a negative code with err set: ERR_PROTOCOL, or
 * ERR_SERVER when the server refused the switch. */
ptrdiff_t replies_walk(struct backend *b, struct slice view, struct err *err);

/* Gives the made-up answers whose turn it is, when nothing else is owed before them. */
void replies_make_up(struct backend *b);

#endif
