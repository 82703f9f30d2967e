// SPDX-License-Identifier: MIT
//
// registry: all tenants there are, as an immutable snapshot: those of the configuration, and those
// of the registry's table, which were made or changed at run time. Where both name one, the file
// says what it is and the row decides its state. To change anything, build another, which shares
// all that did not change (roll.h), and let the workers exchange their pointer.
//
// A registry holds a reference to its configuration and a copy of the roll; the last unref releases
// both. Built on one thread, read by all; the count of references is atomic.
#ifndef TENANT_REGISTRY_H
#define TENANT_REGISTRY_H

#include "tenant/name.h"
#include "tenant/roll.h"
#include "tenant/tenant.h"

struct registry;

/* With one reference. The rows' forms are of this configuration; NULL: there are no rows. */
const struct registry *registry_build(const struct config *config, const struct roll *roll);

const struct registry *registry_ref(const struct registry *registry);
void registry_unref(const struct registry *registry); /* NULL is allowed */

/* Fills *tenant in and returns it, or NULL where there is none of this name. What it points to is
 * valid as long as the registry. */
const struct tenant *registry_find(const struct registry *registry, struct slice name,
                                   struct tenant *tenant);

/* A tenant, and its name where nobody else has that. It points into itself: do not copy it. */
struct tenant_from_template {
    struct tenant tenant;
    char name[NAME_SIZE];
};

/* As registry_find; but where `unknown: template` is configured, a name that is valid and unknown
 * gives a tenant of the defaults. *storage must be kept as long, and no longer, than the registry.
 */
const struct tenant *registry_find_or_template(const struct registry *registry, struct slice name,
                                               struct tenant_from_template *storage);

const struct config *registry_config(const struct registry *registry);

/* All tenants: first the configuration's in its order, then the table's in none. */
size_t registry_count(const struct registry *registry);
void registry_each(const struct registry *registry,
                   void (*visit)(void *data, const struct tenant *tenant), void *data);

/* Bytes that the registry takes, without the configuration and what rows share. */
size_t registry_bytes(const struct registry *registry);

#endif
