// SPDX-License-Identifier: MIT
//
// diff: what a reload changes, key by key, and what of it waits for a restart. What a tenant
// inherits is said once, at tenants.defaults. Whoever holds the struct owns the memory.
#ifndef CONFIG_DIFF_H
#define CONFIG_DIFF_H

#include <stdbool.h>

#include "config/config.h"
#include "config/schema.h"

enum config_change_kind { CHANGE_CHANGED, CHANGE_ADDED, CHANGE_REMOVED };

struct config_change {
    enum config_change_kind kind; /* ADDED and REMOVED are of whole entries: "tenants.acme" */
    char *key;
    enum key_effect effect; /* from when on it is in force */
};

struct config_changes {
    struct config_change *items;
    size_t count;
    size_t cap;
    bool restart; /* something of it waits for a restart */
};

/* Appends to *out, which begins zeroed. */
void config_diff(const struct config *before, const struct config *after,
                 struct config_changes *out);

/* Empties and gives the memory back. */
void config_changes_fini(struct config_changes *changes);

#endif
