// SPDX-License-Identifier: MIT
//
// birth: the settings that connections of a pool carry in their startup packets, and to which a
// RESET or DISCARD ALL returns; with what the server reported to the first of them, and those that
// are idle. In session mode a client gets a connection that was born with what it asked for itself,
// as if it had logged in at the server; in transaction mode all of a pool are born alike. Interned:
// within one pool equal births are one pointer. Lives as long as clients, connections or the pool
// refer to it.
#ifndef POOL_BIRTH_H
#define POOL_BIRTH_H

#include <uthash.h>

#include "pool/parameters.h"
#include "tenant/context.h"

struct pool;

struct birth {
    UT_hash_handle hh; /* by settings, in pool.births */
    struct pool *pool;
    struct context *settings;  /* of the pool's scope; a reference */
    struct parameters welcome; /* what the server reported at the latest login with them */
    struct list idle;          /* backends, the latest used first */
    uint32_t idle_count;
    uint32_t connecting; /* backends that have not logged in yet */
    uint32_t resetting;  /* … that run nothing but their reset query */
    uint32_t claimed;    /* scratch of supply.c: waiters counted so far */
    uint32_t refs;
};

/* Returns a reference; n is at most CONTEXT_SETTINGS_MAX. */
struct birth *birth_find_or_add(struct pool *pool, const struct context_setting *settings,
                                size_t n);
struct birth *birth_ref(struct birth *birth);
void birth_unref(struct birth *birth); /* NULL is allowed */

/* Whether a client chose some of the settings. */
bool birth_is_chosen(const struct birth *birth);

/* A value of the welcome parameters; empty when it is not there. */
struct slice birth_welcome_value(const struct birth *birth, struct slice name);

#endif
