// SPDX-License-Identifier: MIT
//
// registry: all tenants there are, as an immutable snapshot: those of the configuration, and rows
// for those made or changed at run time. To change anything, build another from the configuration
// and all rows, and let the workers exchange their pointer.
//
// A registry holds a reference to its configuration and owns the memory of its rows; the last unref
// releases both. Built on one thread, read by all; the count of references is atomic.
#ifndef TENANT_REGISTRY_H
#define TENANT_REGISTRY_H

#include "tenant/name.h"
#include "tenant/tenant.h"

/* A tenant that was made or changed at run time. Where the configuration has the name as well, the
 * row decides the state, and what the tenant is if it has an `overlay`. */
struct registry_row {
    const char *name;
    const struct overlay *overlay; /* NULL: as the configuration has it, or the defaults */
    enum tenant_state state;
    uint64_t change; /* of the row: the later the larger */
};

struct registry_rows {
    const struct registry_row *items;
    size_t count;
    void *owner;             /* of the items, their names and overlays; may be NULL */
    void (*release)(void *); /* is given the owner when nothing points there any longer */
};

struct registry;

/* Returns a registry with one reference, or NULL with err set (ERR_INVALID_VALUE) where a row's
 * name is not a tenant's. `rows` may be NULL; its owner is taken over in either case. Of rows with
 * one name the last counts. */
const struct registry *registry_build(const struct config *config, const struct registry_rows *rows,
                                      struct err *err);

const struct registry *registry_ref(const struct registry *registry);
void registry_unref(const struct registry *registry); /* NULL is allowed */

/* NULL where there is none of this name. */
const struct tenant *registry_find(const struct registry *registry, struct slice name);

/* A tenant that nobody named, made of the defaults. It points into itself: do not copy it. */
struct tenant_from_template {
    struct tenant tenant;
    char name[NAME_SIZE];
};

/* As registry_find; but where `unknown: template` is configured, a name that is valid and unknown
 * gives a tenant in *storage, which must be kept as long, and no longer, than the registry. */
const struct tenant *registry_find_or_template(const struct registry *registry, struct slice name,
                                               struct tenant_from_template *storage);

const struct config *registry_config(const struct registry *registry);

/* All tenants: first the configuration's in its order, then the rows'. */
size_t registry_count(const struct registry *registry);
const struct tenant *registry_at(const struct registry *registry, size_t index);

/* Bytes that the registry takes, without the configuration and the rows' owner. */
size_t registry_bytes(const struct registry *registry);

#endif
