// SPDX-License-Identifier: MIT
//
// The walk: a map's keys are looked up in the table, sections and named entries are descended into,
// values go to decode_value. Entries of a named map begin as a copy of their scope's base, so that
// what they do not say is what the base says: that is all there is to merging.
#include "config/decode.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "config/alike.h"
#include "config/suggest.h"

/* An entry's name is the first member of its struct. */
static_assert(offsetof(struct server_config, name) == 0, "name first");
static_assert(offsetof(struct user_config, name) == 0, "name first");
static_assert(offsetof(struct tenant_entry, name) == 0, "name first");
static_assert(offsetof(struct provider_config, name) == 0, "name first");
static_assert(sizeof(enum tls_mode) == sizeof(int), "choices are written as int");

/* The map that is walked: which scope, whose entry, which section, and where its values go. */
struct walk {
    enum key_scope scope;
    const char *entry;   /* NULL at the top */
    const char *section; /* "" at the scope's start */
    void *base;          /* the scope's struct */
};

/* What a named map becomes. */
struct entries {
    void *items;
    size_t count;
};

static void walk_map(struct decoder *d, const struct walk *w, const struct node *map);

static char *join(const char *section, const char *word)
{
    return section[0] == '\0' ? x_strdup(word) : x_printf("%s.%s", section, word);
}

/* "tenants.acme.pool" for messages, or "" for the file itself; to be freed. */
static char *place_of(const struct walk *w)
{
    const char *dot = w->entry != NULL && w->section[0] != '\0' ? "." : "";

    return x_printf("%s%s%s%s", schema_scopes[w->scope].prefix, w->entry == NULL ? "" : w->entry,
                    dot, w->section);
}

static void refuse_key(struct decoder *d, const struct walk *w, const struct node *key)
{
    const char *meant = suggest_key(w->scope, w->section, key->text);
    char *place = place_of(w);

    config_faults_add(d->faults, key->line, key->column, "%s%sunknown key \"%s\"%s%s%s", place,
                      place[0] == '\0' ? "" : ": ", key->text,
                      meant == NULL ? "" : ", did you mean \"", meant == NULL ? "" : meant,
                      meant == NULL ? "" : "\"?");
    free(place);
}

static void refuse_map(struct decoder *d, const struct walk *w, const struct node *node)
{
    char *place = place_of(w);

    config_faults_add(d->faults, node->line, node->column, "%s%smust be a map of keys", place,
                      place[0] == '\0' ? "" : ": ");
    free(place);
}

/* Servers, providers and tenants have names of one kind; users are PostgreSQL's. */
static void check_entry_name(struct decoder *d, enum key_scope scope, const struct node *key)
{
    size_t n = strlen(key->text);

    if (scope == SCOPE_USER) {
        if (n == 0 || n > LIMIT_NAME) {
            config_faults_add(d->faults, key->line, key->column, "users: a name has 1 to %d bytes",
                              LIMIT_NAME);
        }
        return;
    }
    if (!config_valid_tenant_name(slice_str(key->text))) {
        config_faults_add(d->faults, key->line, key->column,
                          "%s%s: a name has 1 to %d letters, digits, _, . and -, the first "
                          "neither . nor -",
                          schema_scopes[scope].prefix, key->text, LIMIT_NAME);
    }
}

static void read_entry(struct decoder *d, enum key_scope scope, const struct node_entry *e,
                       void *to)
{
    const struct walk w = {.scope = scope, .entry = e->key->text, .section = "", .base = to};

    memcpy(to, d->base[scope], schema_scopes[scope].size);
    if (scope != SCOPE_TENANT) {
        *(const char **)to = arena_string(d->arena, slice_str(e->key->text));
    }
    walk_map(d, &w, e->value);
}

static bool is_entry_map(struct decoder *d, const struct key *key, const struct node *map)
{
    const struct walk w = {.scope = SCOPE_TOP, .section = key->path};

    if (map->kind != NODE_MAP && !node_is_null(map)) {
        refuse_map(d, &w, map);
    }
    return map->kind == NODE_MAP;
}

static struct entries read_entries(struct decoder *d, const struct key *key, const struct node *map)
{
    size_t size = schema_scopes[key->entries].size;
    struct entries out = {0};

    if (!is_entry_map(d, key, map)) {
        return out;
    }
    out.items = arena_alloc(d->arena, map->count * size);
    for (size_t i = 0; i < map->count; i++) {
        const struct node_entry *e = &map->entries[i];
        check_entry_name(d, key->entries, e->key);
        read_entry(d, key->entries, e, (char *)out.items + size * out.count++);
    }
    return out;
}

/* The defaults come first, wherever they stand: they are the base of the others. */
static const struct node *read_tenant_defaults(struct decoder *d, const struct node *map)
{
    struct tenant_config *base = d->base[SCOPE_TENANT];
    const struct node *node = node_get(map, "defaults");

    if (node != NULL) {
        const struct walk w = {
            .scope = SCOPE_TENANT, .entry = "defaults", .section = "", .base = base};
        walk_map(d, &w, node);
    }
    d->config->defaults = *base;
    return node;
}

/* What the entry comes to: the same as one like it. One that is at fault is read for itself, so
 * that its faults are reported where it stands. */
static const struct tenant_config *read_tenant(struct decoder *d, struct alike *alike,
                                               const struct node_entry *e)
{
    const struct tenant_config *found = alike_find(alike, e->value);
    size_t faults = d->faults->count;

    if (found != NULL) {
        return found;
    }
    struct tenant_config *tenant = arena_alloc(d->arena, sizeof *tenant);
    read_entry(d, SCOPE_TENANT, e, tenant);
    if (d->faults->count == faults) {
        alike_note(alike, tenant);
    }
    return tenant;
}

static void read_tenants(struct decoder *d, const struct key *key, const struct node *map)
{
    struct alike alike = {.entries = NULL};
    const struct node *defaults = read_tenant_defaults(d, map);

    if (!is_entry_map(d, key, map)) {
        return;
    }
    struct tenant_entry *all = arena_alloc(d->arena, map->count * sizeof *all);
    d->config->tenants = all;
    for (size_t i = 0; i < map->count; i++) {
        const struct node_entry *e = &map->entries[i];
        if (e->value != defaults || strcmp(e->key->text, "defaults") != 0) {
            check_entry_name(d, SCOPE_TENANT, e->key);
            all[d->config->tenant_count++] =
                (struct tenant_entry){.name = arena_string(d->arena, slice_str(e->key->text)),
                                      .config = read_tenant(d, &alike, e)};
        }
    }
    alike_fini(&alike);
}

static void read_named(struct decoder *d, const struct key *key, const struct node *map)
{
    if (key->entries == SCOPE_TENANT) {
        read_tenants(d, key, map);
        return;
    }
    struct entries all = read_entries(d, key, map);
    switch (key->entries) {
    case SCOPE_SERVER:
        d->config->servers = all.items;
        d->config->server_count = all.count;
        break;
    case SCOPE_USER:
        d->config->users = all.items;
        d->config->user_count = all.count;
        break;
    case SCOPE_PROVIDER:
        d->config->secrets.providers = all.items;
        d->config->secrets.provider_count = all.count;
        break;
    case SCOPE_TENANT:
    case SCOPE_TOP:
    case SCOPES:
        break;
    }
}

static void walk_key(struct decoder *d, const struct walk *w, const struct node_entry *e,
                     const struct key *key)
{
    const struct walk inner = {
        .scope = w->scope, .entry = w->entry, .section = key->path, .base = w->base};
    const struct spot spot = {
        .key = key, .entry = w->entry, .node = e->value, .to = (char *)w->base + key->offset};

    if (key->type == KEY_SECTION) {
        walk_map(d, &inner, e->value);
    } else if (key->type != KEY_NAMED) {
        decode_value(d, &spot);
    } else if (key->entries != SCOPE_PROVIDER) {
        read_named(d, key, e->value);
    }
}

static void walk_map(struct decoder *d, const struct walk *w, const struct node *map)
{
    if (map->kind != NODE_MAP) {
        if (!node_is_null(map)) {
            refuse_map(d, w, map);
        }
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        char *path = join(w->section, map->entries[i].key->text);
        const struct key *key = schema_find(w->scope, path);
        if (key == NULL ||
            schema_leaf(key) != key->path + strlen(path) - strlen(map->entries[i].key->text)) {
            refuse_key(d, w, map->entries[i].key);
        } else {
            walk_key(d, w, &map->entries[i], key);
        }
        free(path);
    }
}

/* The table's own texts are YAML; a fault in one is a fault of ours. */
static void set_default(struct decoder *d, const struct key *key, void *base)
{
    struct config_faults faults = {0};
    struct decoder own = *d;
    const struct node *node = node_parse(d->parsed, slice_str(key->fallback), &faults);

    assert(node != NULL);
    own.faults = &faults;
    decode_value(&own, &(struct spot){.key = key, .node = node, .to = (char *)base + key->offset});
    assert(faults.count == 0);
}

static void set_defaults(struct decoder *d)
{
    for (int scope = SCOPE_TOP; scope < SCOPES; scope++) {
        d->base[scope] = scope == SCOPE_TOP ? (void *)d->config
                                            : arena_alloc(d->arena, schema_scopes[scope].size);
    }
    for (size_t i = 0; i < schema_key_count; i++) {
        if (schema_keys[i].fallback != NULL) {
            set_default(d, &schema_keys[i], d->base[schema_keys[i].scope]);
        }
    }
    d->config->defaults = *(struct tenant_config *)d->base[SCOPE_TENANT];
}

/* A tenant that names no server is on the first. */
static void set_servers(struct config *config)
{
    if (config->server_count == 0) {
        return;
    }
    if (config->defaults.server == NULL) {
        config->defaults.server = config->servers[0].name;
    }
    for (size_t i = 0; i < config->tenant_count; i++) {
        struct tenant_config *tenant =
            (struct tenant_config *)(uintptr_t)config->tenants[i].config; /* still being made */
        if (tenant->server == NULL) {
            tenant->server = config->defaults.server;
        }
    }
}

void decode_config(struct decoder *d, const struct node *root)
{
    const struct walk top = {.scope = SCOPE_TOP, .section = "", .base = d->config};
    const struct node *providers = node_get(node_get(root, "secrets"), "providers");

    d->uses = x_zalloc(sizeof *d->uses);
    d->uses[0].path = "";
    d->use_count = d->use_cap = 1;
    set_defaults(d);
    if (providers != NULL) { /* before all that may name one */
        read_named(d, schema_find(SCOPE_TOP, "secrets.providers"), providers);
    }
    walk_map(d, &top, root);
    set_servers(d->config);
    d->config->secret_uses = arena_copy(d->arena, d->uses, d->use_count * sizeof *d->uses);
    d->config->secret_use_count = d->use_count;
    free(d->uses);
}
