// SPDX-License-Identifier: MIT
//
// supply: when a pool makes connections, and what comes of it. They are made while somebody waits,
// up to the pool's size, in need the reserve beyond it, and the server's budget. An attempt that
// fails is repeated after a pause that grows; those who wait do so for a grace (the connect
// timeout), then all hear the last error. Where the server refuses a login they hear its words at
// once, unless it is the password: then that is fetched anew before they do. The pool's thread.
#ifndef POOL_SUPPLY_H
#define POOL_SUPPLY_H

#include "pool/pool.h"

/* Whether the size, in need with the reserve, allows another connection. */
bool supply_has_room(const struct pool *pool);

/* Makes as many connections as are needed and may be made now. */
void supply_launch(struct pool *pool);

/* A connection has logged in. */
void supply_note_success(struct pool *pool);

/* An attempt has failed: the next one comes after a pause. */
void supply_note_failure(struct pool *pool, const struct backend *b, const struct err *err);

/* The password was changed: it is fetched anew now. */
void supply_renew_secret(struct pool *pool);

/* What the fetch that renew_secret began has found; NULL where it failed. */
void supply_take_secret(struct pool *pool, const char *secret);

/* Whether the grace of those who wait is over, and nothing works. */
bool supply_given_up(const struct pool *pool);

#endif
