// SPDX-License-Identifier: MIT
//
// context: the settings that must be in force in a session, interned: within one table equal
// contexts of one scope are one object, so that "is this server connection already what this client
// needs?" is a comparison of pointers. A context never changes; context_with gives another.
//
// Whoever keeps a pointer holds a reference; the last unref frees. One table per worker, and one
// thread.
#ifndef TENANT_CONTEXT_H
#define TENANT_CONTEXT_H

#include "base/limits.h"
#include "base/list.h"
#include "base/slice.h"
#include "tenant/hash.h"
#include "tenant/setting.h"
#include "tenant/tracked.h"

/* A login brings LIMIT_CONTEXT_SETTINGS at most; the rest is room for what the server reports. */
enum { CONTEXT_SETTINGS_MAX = LIMIT_CONTEXT_SETTINGS + 16 };

struct context {
    const void *scope; /* whose it is; contexts of different scopes never unify */
    uint32_t refs;
    uint16_t count;                 /* of settings */
    bool proven;                    /* for the pool: a server has accepted it */
    bool tracks;                    /* some of them have a number as tracked ones */
    uint8_t tracked[TRACKED_COUNT]; /* by number: position in settings plus one, or 0 */
    struct list idle; /* for the pool: idle server connections in this context; keep a reference */
    const struct context_setting *settings; /* sorted by name; slices of this allocation */
    /* private below */
    struct context *next; /* in the table's chain */
    uint64_t hash;
};

struct context_table {
    /* private but for reading `count` and `bytes` */
    struct hash_key key;
    struct context **chains;
    size_t chain_count; /* a power of two */
    size_t count;       /* contexts */
    size_t bytes;       /* that they take in all */
};

void context_table_init(struct context_table *table);
void context_table_fini(struct context_table *table); /* every context must have been freed */

/* Returns a reference to the context of these settings in any order. Of settings with one name the
 * last counts, but a fixed one before any that is not. n is at most CONTEXT_SETTINGS_MAX. */
struct context *context_intern(struct context_table *table, const void *scope,
                               const struct context_setting *settings, size_t n);

struct context *context_ref(struct context *context);

/* The list `idle` must be empty at the last one. NULL is allowed. */
void context_unref(struct context_table *table, struct context *context);

/* Returns a reference to the context that differs in one setting, which is not fixed; to the same
 * one where nothing changes or where that setting is fixed; NULL where it would hold more than
 * CONTEXT_SETTINGS_MAX. */
struct context *context_with(struct context_table *table, struct context *context,
                             struct slice name, struct slice value);

/* The same of a fixed setting that the context has; NULL where it has none. */
struct context *context_with_fixed(struct context_table *table, struct context *context,
                                   struct slice name, struct slice value);

/* NULL where the context says nothing about it. */
const struct context_setting *context_find(const struct context *context, struct slice name);

/* What it says about a tracked parameter, by its number, or NULL. */
static inline const struct context_setting *context_tracked(const struct context *context,
                                                            int number)
{
    uint8_t position = context->tracked[number];
    return position == 0 ? NULL : &context->settings[position - 1];
}

/* Bytes of memory that this one takes. */
size_t context_bytes(const struct context *context);

#endif
