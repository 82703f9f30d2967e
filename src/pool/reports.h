// SPDX-License-Identifier: MIT
//
// reports: what a server says without being asked: that a setting has another value, a notice, that
// it goes away. The backend remembers the last value of each parameter; the user is told, or, where
// there is none, the connection's context follows. A part of the backend.
#ifndef POOL_REPORTS_H
#define POOL_REPORTS_H

#include "pool/backend.h"

/* The body of a ParameterStatus is remembered; false where it is none. */
bool reports_note(struct backend *b, struct slice body);

/* The same, and whoever is concerned follows it: 1 it goes to the client, 0 it does not,
 * ERR_PROTOCOL where it is none. */
int reports_take(struct backend *b, struct slice body);

/* Tells the user the code of a notice. It may be long, and is not waited for: its code stands near
 * its start. */
void reports_notice(struct backend *b, struct slice body);

/* What an idle server says; returns and fails like replies_walk. It speaks only to announce
 * something: that a setting changed, or that it goes away. */
ptrdiff_t reports_walk_idle(struct backend *b, struct slice view, struct err *err);

#endif
