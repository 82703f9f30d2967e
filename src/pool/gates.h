// SPDX-License-Identifier: MIT
//
// gates: what an administrator has shut: everything, a database, a tenant. A worker has its own
// copy, which outlives pools and reloads, so that what comes later obeys too; the control thread
// keeps one to tell what is shut. Small: only what is shut has an entry. One thread each.
#ifndef POOL_GATES_H
#define POOL_GATES_H

#include <stdint.h>

#include "base/slice.h"

enum gate_kind { GATE_DATABASE, GATE_TENANT, GATE_KINDS };

enum {
    GATE_PAUSED = 1 << 0,    /* nothing is granted */
    GATE_DISABLED = 1 << 1,  /* a database: nobody may log in */
    GATE_SUSPENDED = 1 << 2, /* a tenant: nobody may log in, nobody is; of all: paused, but server
                                connections stay */
};

struct gate;

struct gates {
    struct gate *named[GATE_KINDS]; /* uthash by name */
    uint32_t all;                   /* flags that hold for everything */
};

/* Flags of one name; 0 where nothing is shut. */
uint32_t gates_get(const struct gates *gates, enum gate_kind kind, struct slice name);
void gates_add(struct gates *gates, enum gate_kind kind, struct slice name, uint32_t flags);
void gates_remove(struct gates *gates, enum gate_kind kind, struct slice name, uint32_t flags);

/* Calls back for every name of the kind that has flags. */
void gates_each(const struct gates *gates, enum gate_kind kind,
                void (*each)(void *data, const char *name, uint32_t flags), void *data);

void gates_fini(struct gates *gates);

#endif
