// SPDX-License-Identifier: MIT
//
// cleaning: how a backend gets over what its last user left behind, and how it runs a query of
// ours. It asks the server to stop, rolls back, runs the reset query where there is one, and
// settles down; what takes longer than a budget, and a reset query that fails, close it. A part of
// the backend, which is CLEANING meanwhile.
#ifndef POOL_CLEANING_H
#define POOL_CLEANING_H

#include "pool/backend.h"

/* The last user left while something was owed, or a reset query is to run: asks the server to stop,
 * and to say where it stands. */
void cleaning_begin(struct backend *b);

/* The next step, once nothing is owed. */
void cleaning_go_on(struct backend *b);

/* Runs a query of ours. */
void cleaning_run(struct backend *b, const char *sql);

/* Forgets the reset query. */
void cleaning_drop(struct backend *b);

#endif
