// SPDX-License-Identifier: MIT
#include "config/config.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/list.h"
#include "config/snapshot.h"

struct snapshot *snapshot_new(void)
{
    struct snapshot *s = x_zalloc(sizeof *s);

    atomic_init(&s->refs, 1);
    return s;
}

const struct config *config_ref(const struct config *config)
{
    if (config != NULL) {
        struct snapshot *s = container_of(config, struct snapshot, config);
        (void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    }
    return config;
}

void config_unref(const struct config *config)
{
    if (config == NULL) {
        return;
    }
    struct snapshot *s = container_of(config, struct snapshot, config);
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        arena_fini(&s->arena);
        free(s);
    }
}

/* FNV-1a: names in the table are the operator's own, strangers only look. */
static uint32_t hash_name(struct slice name)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < name.n; i++) {
        h = (h ^ name.p[i]) * 16777619U;
    }
    return h;
}

/* An entry's name is the first member of its struct. */
static struct slice entry_name(const struct index *index, uint32_t position)
{
    const void *entry = (const char *)index->entries + (size_t)position * index->size;

    return slice_str(*(const char *const *)entry);
}

void index_build(struct index *index, struct arena *arena, size_t count)
{
    uint32_t slots = 8;

    while (slots < count * 2) {
        slots *= 2;
    }
    index->mask = slots - 1;
    index->slots = arena_alloc(arena, slots * sizeof *index->slots);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = hash_name(entry_name(index, i)) & index->mask;
        while (index->slots[at] != 0) {
            at = (at + 1) & index->mask;
        }
        index->slots[at] = i + 1;
    }
}

static const void *find(const struct index *index, struct slice name)
{
    uint32_t at = hash_name(name) & index->mask;

    for (; index->slots[at] != 0; at = (at + 1) & index->mask) {
        uint32_t position = index->slots[at] - 1;
        if (slice_eq(entry_name(index, position), name)) {
            return (const char *)index->entries + (size_t)position * index->size;
        }
    }
    return NULL;
}

const struct user_config *config_user(const struct config *config, struct slice name)
{
    return find(&container_of(config, struct snapshot, config)->users, name);
}

const struct tenant_entry *config_tenant(const struct config *config, struct slice name)
{
    return find(&container_of(config, struct snapshot, config)->tenants, name);
}

const struct server_config *config_server(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (strcmp(config->servers[i].name, name) == 0) {
            return &config->servers[i];
        }
    }
    return NULL;
}

const struct provider_config *config_provider(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->secrets.provider_count; i++) {
        if (strcmp(config->secrets.providers[i].name, name) == 0) {
            return &config->secrets.providers[i];
        }
    }
    return NULL;
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool config_valid_tenant_name(struct slice name)
{
    if (name.n == 0 || name.n > LIMIT_NAME || !is_name_byte(name.p[0])) {
        return false;
    }
    for (size_t i = 1; i < name.n; i++) {
        if (!is_name_byte(name.p[i]) && name.p[i] != '.' && name.p[i] != '-') {
            return false;
        }
    }
    return true;
}
