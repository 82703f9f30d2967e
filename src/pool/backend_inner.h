// SPDX-License-Identifier: MIT
//
// backend_inner: what the files of the backend's machine share, and nobody else includes.
#ifndef POOL_BACKEND_INNER_H
#define POOL_BACKEND_INNER_H

#include "pool/backend.h"

/* A move that the table in backend.c does not list aborts. */
void backend_move(struct backend *b, enum backend_state to);

/* Closes it because something broke, which is said in the log. */
void backend_fail(struct backend *b, const struct err *err);

/* Nothing is left to be done: IDLE, or HELD while cancels for it are under way. */
void backend_settle_down(struct backend *b);

/* Of backend.deadline: it took too long. */
void backend_on_timeout(struct deadline *deadline);

#endif
