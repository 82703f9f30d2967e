// SPDX-License-Identifier: MIT
//
// idle: the connections of a pool that nobody uses: in the order of their last use, by context, by
// birth, and among those of the same server. Which of them a request gets, and which ends first.
// The pool's thread.
#ifndef POOL_IDLE_H
#define POOL_IDLE_H

#include "pool/pool.h"

void idle_put(struct pool *pool, struct backend *b);
void idle_remove(struct pool *pool, struct backend *b); /* nothing happens where it is in use */

/* Whether a tenant may use a connection after whoever used it last. One that was made before any
 * tenant of the pool was sealed cannot be signed for. */
bool idle_may_share(const struct lane *lane, const struct backend *b);

/* Takes out the one that suits a request best, or returns NULL. */
struct backend *idle_choose(struct pool *pool, const struct pool_request *request);

/* Closes the least recently used one; there is one. */
void idle_close_oldest(struct pool *pool);

#endif
