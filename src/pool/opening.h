// SPDX-License-Identifier: MIT
//
// opening: a backend's way from a connected socket to IDLE: TLS where it is wanted (`securing`),
// then the login (`backend_login`), then a look at what the server is. Part of the backend's
// machine, in its state LOGIN; a failure of any step closes the backend.
#ifndef POOL_OPENING_H
#define POOL_OPENING_H

#include "pool/backend.h"

/* The socket is there. */
void opening_begin(struct backend *b);

/* The handshake has come to its end; `reason`: it failed. */
void opening_secured(struct backend *b, const struct err *reason);

/* Bytes of the server. Returns how many were consumed; the backend may be IDLE, in use or CLOSED
 * then. */
size_t opening_read(struct backend *b, struct slice view);

/* For backend_login_new: a step of the login that took its time is done. */
void opening_on_login_step(void *data, int result, const struct err *err);

#endif
