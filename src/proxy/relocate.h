// SPDX-License-Identifier: MIT
//
// relocate: a client whose tenant was changed while it is here finds its place anew, between two
// transactions and without hearing of it: other limits and settings, another database or server,
// and so another pool, which may live on another worker. There it goes as a `move`, with luggage:
// what it is, what it has set and prepared, and the key by which it is cancelled.
//
// One that has a session of its own on a server connection follows as long as its pool stays the
// same; else it is closed, and comes again. One thread: the worker's.
#ifndef PROXY_RELOCATE_H
#define PROXY_RELOCATE_H

#include "proxy/frontend.h"

struct luggage;

/* Whether there is anything to do, and it may be done now. */
bool relocate_due(const struct frontend *f);

/* It goes on with what it wants from its new place. It may be CLOSED afterwards, or gone. */
void relocate(struct frontend *f);

/* One that has come from another worker; takes over the luggage. */
void relocate_arrive(struct frontend *f, struct luggage *luggage);

void luggage_free(struct luggage *luggage); /* NULL is allowed */

#endif
