// SPDX-License-Identifier: MIT
//
// relay: moves bytes between a frontend and its backend. Upward it walks the client's messages,
// notes in the ledger what the server will owe for each, and sends them on as they lie in the
// scratch buffer; it asks for a connection when there is none, and puts the armed switch in front
// where the connection is in another context. Downward it passes on what the backend hands up, and
// lets go when that is at rest.
//
// With a switch at most one batch goes out, whole, and stays in `in` until the switch is confirmed,
// so that it can be sent again on another connection; what is not whole waits for the confirmation.
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "proxy/frontend.h"

/* Works off the view, which starts with what is kept in `in`; returns how many bytes are done with.
 * The frontend may be CLOSED afterwards. */
size_t relay_up(struct frontend *f, struct slice view);

/* Goes on with what is kept, when something that was waited for has come. */
void relay_continue(struct frontend *f);

/* The callbacks of a request. */
extern const struct pool_request_ops relay_request_ops;

/* Gets a connection only to try the client's context on it, before it is greeted. */
void relay_prove(struct frontend *f);

/* Lets go of the connection where that is at rest and the client has all its bytes. */
void relay_release_if_settled(struct frontend *f);

/* The link is over; whoever ended it tells the pool. */
void relay_forget_link(struct frontend *f);

/* Lets go because the client leaves. */
void relay_abandon(struct frontend *f);

#endif
