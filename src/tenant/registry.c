// SPDX-License-Identifier: MIT
//
// The table is open addressing with linear probing over positions in `tenants`; it is at most half
// full and never changes once it is built. Names come from the configuration and from those who may
// make tenants, so that an unkeyed hash would do; the keyed one is at hand.
#include "tenant/registry.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tenant/hash.h"

struct registry {
    atomic_uint refs;
    const struct config *config; /* a reference */
    struct registry_rows rows;   /* kept for its owner; the names are used from there */
    struct tenant *tenants;
    size_t count;
    struct hash_key key;
    uint32_t *slots;  /* position in tenants plus 1; 0 is free */
    size_t slot_mask; /* slots are a power of two */
};

static const struct registry_rows no_rows = {.items = NULL};

static void release_rows(const struct registry_rows *rows)
{
    if (rows->release != NULL) {
        rows->release(rows->owner);
    }
}

static int check_rows(const struct registry_rows *rows, struct err *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (!name_valid(slice_str(rows->items[i].name))) {
            return err_set(err, ERR_INVALID_VALUE, "row %zu of the registry: invalid tenant name",
                           i + 1);
        }
    }
    return 0;
}

static size_t slots_for(size_t tenants)
{
    size_t slots = 16;

    while (slots < tenants * 2) {
        slots *= 2;
    }
    return slots;
}

/* The slot of the name, or the free one where it belongs. */
static uint32_t *find_slot(const struct registry *registry, struct slice name)
{
    size_t at = hash_bytes(&registry->key, 0, name, false) & registry->slot_mask;

    while (registry->slots[at] != 0 &&
           !slice_eq_str(name, registry->tenants[registry->slots[at] - 1].name)) {
        at = (at + 1) & registry->slot_mask;
    }
    return &registry->slots[at];
}

/* The tenant of this name, made of the defaults where it is new. */
static struct tenant *put_tenant(struct registry *registry, const char *name)
{
    uint32_t *slot = find_slot(registry, slice_str(name));

    if (*slot == 0) {
        registry->tenants[registry->count] = (struct tenant){
            .name = name, .config = &registry->config->defaults, .state = TENANT_ACTIVE};
        registry->count++;
        *slot = (uint32_t)registry->count;
    }
    return &registry->tenants[*slot - 1];
}

static void put_all(struct registry *registry)
{
    const struct config *config = registry->config;

    for (size_t i = 0; i < config->tenant_count; i++) {
        put_tenant(registry, config->tenants[i].name)->config = &config->tenants[i];
    }
    for (size_t i = 0; i < registry->rows.count; i++) {
        const struct registry_row *row = &registry->rows.items[i];
        struct tenant *tenant = put_tenant(registry, row->name);
        tenant->state = row->state;
        if (row->overlay != NULL) {
            tenant->config = overlay_tenant(row->overlay);
            tenant->overlay = row->overlay;
            tenant->change = row->change;
        }
    }
}

const struct registry *registry_build(const struct config *config, const struct registry_rows *rows,
                                      struct err *err)
{
    rows = rows == NULL ? &no_rows : rows;
    if (check_rows(rows, err) < 0) {
        release_rows(rows);
        return NULL;
    }
    size_t most = config->tenant_count + rows->count;
    size_t slots = slots_for(most);
    struct registry *registry = x_alloc(sizeof *registry);
    assert(most < UINT32_MAX);
    *registry = (struct registry){
        .refs = 1,
        .config = config_ref(config),
        .rows = *rows,
        .tenants = x_alloc((most == 0 ? 1 : most) * sizeof *registry->tenants),
        .slots = x_zalloc(slots * sizeof *registry->slots),
        .slot_mask = slots - 1,
    };
    hash_key_init(&registry->key);
    put_all(registry);
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
    if (registry == NULL ||
        atomic_fetch_sub_explicit(count_of(registry), 1, memory_order_acq_rel) > 1) {
        return;
    }
    release_rows(&registry->rows);
    config_unref(registry->config);
    free(registry->tenants);
    free(registry->slots);
    free((struct registry *)(uintptr_t)registry);
}

const struct tenant *registry_find(const struct registry *registry, struct slice name)
{
    uint32_t position = *find_slot(registry, name);

    return position == 0 ? NULL : &registry->tenants[position - 1];
}

const struct tenant *registry_find_or_template(const struct registry *registry, struct slice name,
                                               struct tenant_from_template *storage)
{
    const struct tenant *found = registry_find(registry, name);

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
    return registry->count;
}

const struct tenant *registry_at(const struct registry *registry, size_t index)
{
    assert(index < registry->count);
    return &registry->tenants[index];
}

size_t registry_bytes(const struct registry *registry)
{
    size_t most = registry->config->tenant_count + registry->rows.count;

    return sizeof *registry + most * sizeof *registry->tenants +
           (registry->slot_mask + 1) * sizeof *registry->slots;
}
