// SPDX-License-Identifier: MIT
//
// renewal: a server refused the password that a pool has: it may have been changed since, so it is
// fetched anew, once, while those who wait go on waiting. The pool is told what was found, or that
// it is no better. The proxy's thread.
#ifndef PROXY_RENEWAL_H
#define PROXY_RENEWAL_H

#include "proxy/proxy.h"

/* The hook of pools: begins, or returns false where there is nothing to fetch. */
bool renewal_begin(struct pool *pool);

/* Forgets all that are under way. */
void renewal_cancel_all(struct proxy *proxy);

#endif
