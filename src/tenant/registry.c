// SPDX-License-Identifier: MIT
#include "tenant/registry.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"

struct registry {
    atomic_uint refs;
    const struct config *config; /* a reference */
    struct roll roll;            /* a copy */
};

const struct registry *registry_build(const struct config *config, const struct roll *roll)
{
    struct registry *registry = x_zalloc(sizeof *registry);

    atomic_init(&registry->refs, 1);
    registry->config = config_ref(config);
    if (roll != NULL) {
        registry->roll = roll_copy(roll);
    }
    return registry;
}

/* The count is the one thing in a registry that changes after it is built. */
static atomic_uint *count_of(const struct registry *registry)
{
    return &((struct registry *)(uintptr_t)registry)->refs;
}

const struct registry *registry_ref(const struct registry *registry)
{
    (void)atomic_fetch_add_explicit(count_of(registry), 1, memory_order_relaxed);
    return registry;
}

void registry_unref(const struct registry *registry)
{
    struct registry *mine = (struct registry *)(uintptr_t)registry;

    if (mine == NULL ||
        atomic_fetch_sub_explicit(count_of(registry), 1, memory_order_acq_rel) > 1) {
        return;
    }
    roll_fini(&mine->roll);
    config_unref(mine->config);
    free(mine);
}

static const struct tenant *tenant_of_file(const struct tenant_entry *entry,
                                           const struct roll_row *row, struct tenant *tenant)
{
    *tenant = (struct tenant){.name = entry->name,
                              .config = entry->config,
                              .state = row == NULL ? TENANT_ACTIVE : row->state};
    return tenant;
}

/* What only the table names; a row that is no more than a state is of the defaults. */
static const struct tenant *tenant_of_row(const struct registry *registry,
                                          const struct roll_row *row, struct tenant *tenant)
{
    *tenant = (struct tenant){
        .name = row->name, .config = &registry->config->defaults, .state = row->state};
    if (row->made) {
        tenant->config = overlay_tenant(row->form->overlay);
        tenant->overlay = row->form->overlay;
        tenant->change = row->change;
    }
    return tenant;
}

const struct tenant *registry_find(const struct registry *registry, struct slice name,
                                   struct tenant *tenant)
{
    const struct tenant_entry *in_file = config_tenant(registry->config, name);
    struct roll_row row;
    bool found = roll_find(&registry->roll, name, &row);

    if (in_file != NULL) {
        return tenant_of_file(in_file, found ? &row : NULL, tenant);
    }
    return found && row.counts ? tenant_of_row(registry, &row, tenant) : NULL;
}

const struct tenant *registry_find_or_template(const struct registry *registry, struct slice name,
                                               struct tenant_from_template *storage)
{
    const struct tenant *found = registry_find(registry, name, &storage->tenant);

    if (found != NULL) {
        return found;
    }
    if (registry->config->tenancy.unknown != UNKNOWN_TEMPLATE || !name_valid(name)) {
        return NULL;
    }
    memcpy(storage->name, name.p, name.n);
    storage->name[name.n] = '\0';
    storage->tenant = (struct tenant){
        .name = storage->name, .config = &registry->config->defaults, .state = TENANT_ACTIVE};
    return &storage->tenant;
}

const struct config *registry_config(const struct registry *registry)
{
    return registry->config;
}

size_t registry_count(const struct registry *registry)
{
    return registry->config->tenant_count + registry->roll.counts;
}

struct visitor {
    const struct registry *registry;
    void (*visit)(void *data, const struct tenant *tenant);
    void *data;
};

static void visit_row(void *data, const struct roll_row *row)
{
    const struct visitor *visitor = data;
    struct tenant tenant;

    if (row->counts) {
        visitor->visit(visitor->data, tenant_of_row(visitor->registry, row, &tenant));
    }
}

void registry_each(const struct registry *registry,
                   void (*visit)(void *data, const struct tenant *tenant), void *data)
{
    const struct config *config = registry->config;
    struct visitor visitor = {registry, visit, data};
    struct tenant tenant;

    for (size_t i = 0; i < config->tenant_count; i++) {
        visit(data, registry_find(registry, slice_str(config->tenants[i].name), &tenant));
    }
    roll_each(&registry->roll, visit_row, &visitor);
}

size_t registry_bytes(const struct registry *registry)
{
    return sizeof *registry + registry->roll.bytes;
}
