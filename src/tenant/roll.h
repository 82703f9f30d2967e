// SPDX-License-Identifier: MIT
//
// roll: the rows of the registry's table by name, as a map whose versions share what they have in
// common: a change copies the page that it is in and the few branches above it, whatever the number
// of rows. Whoever holds a copy sees the rows as they were when it was made.
//
// A roll is changed by one thread; a copy is read, and ended, by any. References are counted
// atomically.
#ifndef TENANT_ROLL_H
#define TENANT_ROLL_H

#include "tenant/form.h"
#include "tenant/hash.h"
#include "tenant/tenant.h"

struct roll_node;

struct roll {
    struct roll_node *root; /* a reference; NULL: empty */
    struct hash_key key;
    size_t count;  /* of rows */
    size_t counts; /* of those that are a tenant which the configuration does not have */
    uint64_t sum;  /* of `change` over all rows */
    size_t bytes;  /* of all nodes, shared or not */
};

/* One row. The name is valid as long as the roll, or a copy, which it was found in. */
struct roll_row {
    const char *name; /* a valid one */
    struct form *form;
    uint64_t change; /* grows with every change of any row */
    enum tenant_state state;
    bool made;   /* the tenant is here by CREATE TENANT; else only its state is kept */
    bool counts; /* it is a tenant that the configuration does not have */
};

void roll_init(struct roll *roll);
void roll_fini(struct roll *roll);

/* A copy: cheap, since all is shared. */
struct roll roll_copy(const struct roll *roll);

/* In the place of the row of its name, if there is one; takes a reference to its form. */
void roll_put(struct roll *roll, const struct roll_row *row);
void roll_remove(struct roll *roll, struct slice name); /* nothing to do is no error */

bool roll_find(const struct roll *roll, struct slice name, struct roll_row *row);

/* In no order. */
void roll_each(const struct roll *roll, void (*visit)(void *data, const struct roll_row *row),
               void *data);

#endif
