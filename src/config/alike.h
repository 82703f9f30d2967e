// SPDX-License-Identifier: MIT
//
// alike: remembers what nodes became, so that one which says the same becomes the same. Two nodes
// are alike when they have the same keys and values in the same order, wherever they stand. A
// zeroed struct is empty. One thread.
#ifndef CONFIG_ALIKE_H
#define CONFIG_ALIKE_H

#include "base/buf.h"
#include "config/node.h"

struct alike_entry;

struct alike {
    struct alike_entry *entries; /* uthash by what the nodes say */
    struct buf said;             /* of the node that was asked for last */
};

/* What a node like this one became, or NULL. */
const void *alike_find(struct alike *alike, const struct node *node);

/* Notes what the node became that was asked for last. */
void alike_note(struct alike *alike, const void *became);

void alike_fini(struct alike *alike);

#endif
