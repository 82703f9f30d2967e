// SPDX-License-Identifier: MIT
//
// wanderers: clients that went to another worker after they had been told a cancel key, which names
// the worker that they came from. There nobody has the key any more, and it is asked for on all
// workers, as long as there are wanderers at all: one may have come back. One table per worker, one
// thread.
#ifndef PROXY_WANDERERS_H
#define PROXY_WANDERERS_H

#include <uthash.h>

#include "proxy/cancel_key.h"
#include "proxy/proxy.h"

struct wanderer {
    UT_hash_handle hh;     /* by key, in proxy.wanderers */
    struct cancel_key key; /* as the client was told; bytes that it has not are zero */
    struct frontend *owner;
};

/* The client has arrived with this key. */
void wanderers_add(struct frontend *f, const struct cancel_key *key);

/* It leaves, for wherever. Nothing happens where it has not wandered. */
void wanderers_remove(struct frontend *f);

/* Nobody was told this key here: maybe it came to one of the workers. */
void wanderers_ask(struct proxy *proxy, const struct cancel_key *key);

#endif
