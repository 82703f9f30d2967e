// SPDX-License-Identifier: MIT
#include "config/diff.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "config/print.h"
#include "config/schema.h"

/* Two structs of one scope, before and after. */
struct pair {
    enum key_scope scope;
    const char *entry; /* NULL at the top */
    const void *before;
    const void *after;
    const void *base_before; /* a tenant's defaults, or NULL */
    const void *base_after;
};

/* The entries of one named map, of one snapshot. */
struct side {
    const struct config *config;
    const void *entries;
    size_t count;
    const void *base; /* the tenants' defaults, or NULL */
};

static void keep(struct config_changes *out, struct config_change change)
{
    if (out->count == out->cap) {
        out->cap = out->cap == 0 ? 16 : out->cap * 2;
        out->items = x_realloc(out->items, out->cap * sizeof *out->items);
    }
    out->items[out->count++] = change;
    out->restart = out->restart || change.effect == EFFECT_RESTART;
}

static const void *member(const void *base, const struct key *key)
{
    return (const char *)base + key->offset;
}

/* Does a tenant have the key from the defaults, both before and after? */
static bool is_inherited(const struct pair *p, const struct key *key)
{
    return p->base_before != NULL &&
           print_same(key, member(p->before, key), member(p->base_before, key)) &&
           print_same(key, member(p->after, key), member(p->base_after, key));
}

static void diff_structs(const struct pair *p, struct config_changes *out)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        if (key->scope != p->scope ||
            print_same(key, member(p->before, key), member(p->after, key))) {
            continue;
        }
        if (!is_inherited(p, key)) {
            keep(out,
                 (struct config_change){.kind = CHANGE_CHANGED,
                                        .key = x_printf("%s%s%s%s", schema_scopes[p->scope].prefix,
                                                        p->entry == NULL ? "" : p->entry,
                                                        p->entry == NULL ? "" : ".", key->path),
                                        .effect = schema_effect(key)});
        }
    }
}

static const void *find_entry(const struct side *side, enum key_scope scope, const char *name)
{
    const struct tenant_entry *tenant;

    switch (scope) {
    case SCOPE_SERVER:
        return config_server(side->config, name);
    case SCOPE_USER:
        return config_user(side->config, slice_str(name));
    case SCOPE_TENANT:
        tenant = config_tenant(side->config, slice_str(name));
        return tenant == NULL ? NULL : tenant->config;
    case SCOPE_PROVIDER:
        return config_provider(side->config, name);
    case SCOPE_TOP:
    case SCOPES:
        break;
    }
    return NULL;
}

static void keep_entry(struct config_changes *out, enum config_change_kind kind,
                       enum key_scope scope, const char *name)
{
    keep(out, (struct config_change){.kind = kind,
                                     .key = x_printf("%s%s", schema_scopes[scope].prefix, name),
                                     .effect = scope == SCOPE_SERVER || scope == SCOPE_PROVIDER
                                                   ? EFFECT_NOW
                                                   : EFFECT_CLIENTS});
}

static const void *entry_at(const struct side *side, enum key_scope scope, size_t i)
{
    if (scope == SCOPE_TENANT) {
        return side->config->tenants[i].config;
    }
    return (const char *)side->entries + i * schema_scopes[scope].size;
}

static const char *name_at(const struct side *side, enum key_scope scope, size_t i)
{
    return scope == SCOPE_TENANT ? side->config->tenants[i].name
                                 : *(const char *const *)entry_at(side, scope, i);
}

static void diff_entries(enum key_scope scope, const struct side *before, const struct side *after,
                         struct config_changes *out)
{
    for (size_t i = 0; i < before->count; i++) {
        const void *old = entry_at(before, scope, i);
        const char *name = name_at(before, scope, i);
        const void *new = find_entry(after, scope, name);
        if (new == NULL) {
            keep_entry(out, CHANGE_REMOVED, scope, name);
            continue;
        }
        diff_structs(&(struct pair){.scope = scope,
                                    .entry = name,
                                    .before = old,
                                    .after = new,
                                    .base_before = before->base,
                                    .base_after = after->base},
                     out);
    }
    for (size_t i = 0; i < after->count; i++) {
        const char *name = name_at(after, scope, i);
        if (find_entry(before, scope, name) == NULL) {
            keep_entry(out, CHANGE_ADDED, scope, name);
        }
    }
}

static struct side side_of(const struct config *c, enum key_scope scope)
{
    switch (scope) {
    case SCOPE_SERVER:
        return (struct side){c, c->servers, c->server_count, NULL};
    case SCOPE_USER:
        return (struct side){c, c->users, c->user_count, NULL};
    case SCOPE_TENANT:
        return (struct side){c, c->tenants, c->tenant_count, &c->defaults};
    case SCOPE_PROVIDER:
        return (struct side){c, c->secrets.providers, c->secrets.provider_count, NULL};
    case SCOPE_TOP:
    case SCOPES:
        break;
    }
    return (struct side){.config = c};
}

void config_diff(const struct config *before, const struct config *after,
                 struct config_changes *out)
{
    diff_structs(&(struct pair){.scope = SCOPE_TOP, .before = before, .after = after}, out);
    diff_structs(&(struct pair){.scope = SCOPE_TENANT,
                                .entry = "defaults",
                                .before = &before->defaults,
                                .after = &after->defaults},
                 out);
    for (int scope = SCOPE_SERVER; scope < SCOPES; scope++) {
        struct side old = side_of(before, (enum key_scope)scope);
        struct side new = side_of(after, (enum key_scope)scope);
        diff_entries((enum key_scope)scope, &old, &new, out);
    }
}

void config_changes_fini(struct config_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].key);
    }
    free(changes->items);
    *changes = (struct config_changes){.count = 0};
}
