// SPDX-License-Identifier: MIT
//
// cancel: a CancelRequest to a server, over a connection of its own. The backend counts it and is
// not given to the next client before it has ended: the server's signal, sent before it closes the
// connection, cannot reach another's query. It frees itself; if the backend ends first it goes on
// alone.
#ifndef POOL_CANCEL_H
#define POOL_CANCEL_H

#include "pool/backend.h"

/* Asks the server to cancel what the backend runs. Nothing happens where it gave no key. There is
 * one request at a time: whoever cancels in a flood has one connection to the server, as everybody.
 */
void cancel_send(struct backend *b);

/* The backend ends: its request goes on without it. */
void cancel_orphan(struct backend *b);

#endif
