// SPDX-License-Identifier: MIT
//
// Where a secret comes from: a text, or a map that names one source. Each place that asks for a
// secret gets an index, which merged tenants share. No message here quotes a value.
#include "config/decode.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "config/suggest.h"

/* A secret while it is read. */
struct secret_spot {
    const char *path;
    const struct node *node;
    struct secret_ref ref;
};

static const char *const sources[] = {"env", "file", "exec", "store", "id", "key"};

enum { SOURCES = sizeof sources / sizeof sources[0] };

static bool refuse(struct decoder *d, const struct secret_spot *s, const struct node *at,
                   const char *text)
{
    config_faults_add(d->faults, at->line, at->column, "%s: %s", s->path, text);
    return false;
}

static bool refuse_key(struct decoder *d, const struct secret_spot *s, const struct node *key)
{
    const char *meant = NULL;

    for (size_t i = 0; i < SOURCES && meant == NULL; i++) {
        meant = suggest_is_slip(key->text, sources[i]) ? sources[i] : NULL;
    }
    config_faults_add(d->faults, key->line, key->column, "%s: unknown key \"%s\"%s%s%s", s->path,
                      key->text, meant == NULL ? "" : ", did you mean \"",
                      meant == NULL ? "" : meant, meant == NULL ? "" : "\"?");
    return false;
}

/* The text of a source, in the arena; NULL after a fault. */
static const char *word(struct decoder *d, const struct secret_spot *s, const struct node *node)
{
    if (node->kind != NODE_SCALAR || node_is_null(node) || node->text[0] == '\0') {
        (void)refuse(d, s, node, "must be a text that is not empty");
        return NULL;
    }
    return arena_string(d->arena, slice_str(node->text));
}

static bool read_argv(struct decoder *d, struct secret_spot *s, const struct node *node)
{
    if (node->kind != NODE_LIST || node->count == 0) {
        return refuse(d, s, node, "exec must be a list: a program and its arguments");
    }
    const char **argv = arena_alloc(d->arena, node->count * sizeof *argv);
    for (size_t i = 0; i < node->count; i++) {
        const struct node *item = node->entries[i].value;
        if (item->kind != NODE_SCALAR) {
            return refuse(d, s, item, "exec must be a list of texts");
        }
        argv[i] = arena_string(d->arena, slice_str(item->text));
    }
    if (argv[0][0] == '\0') {
        return refuse(d, s, node->entries[0].value, "exec needs a program");
    }
    s->ref.argv = (struct strings){.items = argv, .count = node->count};
    s->ref.variables = &d->config->secrets.environment;
    return true;
}

static const struct provider_config *find_provider(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->secrets.provider_count; i++) {
        if (strcmp(config->secrets.providers[i].name, name) == 0) {
            return &config->secrets.providers[i];
        }
    }
    return NULL;
}

static bool read_store(struct decoder *d, struct secret_spot *s, const struct node *node)
{
    const char *name = word(d, s, node);
    const struct node *id = node_get(s->node, "id");
    const struct node *field = node_get(s->node, "key");

    if (name == NULL) {
        return false;
    }
    if (id == NULL) {
        return refuse(d, s, s->node, "store needs an id");
    }
    if (strncmp(s->path, "secrets.providers.", strlen("secrets.providers.")) == 0) {
        return refuse(d, s, node, "a provider's own secret cannot be in a store");
    }
    s->ref.provider = find_provider(d->config, name);
    if (s->ref.provider == NULL) {
        config_faults_add(d->faults, node->line, node->column,
                          "%s: no provider is named \"%s\" in secrets.providers", s->path, name);
        return false;
    }
    s->ref.value = word(d, s, id);
    s->ref.field = field == NULL ? NULL : word(d, s, field);
    return s->ref.value != NULL && (field == NULL || s->ref.field != NULL);
}

static bool read_source(struct decoder *d, struct secret_spot *s, const struct node_entry *entry)
{
    switch (s->ref.kind) {
    case SECRET_EXEC:
        return read_argv(d, s, entry->value);
    case SECRET_STORE:
        return read_store(d, s, entry->value);
    case SECRET_ENV:
        s->ref.value = word(d, s, entry->value);
        return s->ref.value != NULL;
    case SECRET_FILE:
        s->ref.value = word(d, s, entry->value);
        if (s->ref.value != NULL) {
            s->ref.value = decode_file_path(d, s->ref.value);
        }
        return s->ref.value != NULL;
    case SECRET_NONE:
    case SECRET_TEXT:
    case SECRET_KINDS:
        break;
    }
    return false;
}

static enum secret_kind kind_of(const char *source)
{
    static const enum secret_kind kinds[] = {SECRET_ENV, SECRET_FILE, SECRET_EXEC, SECRET_STORE};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(source, sources[i]) == 0) {
            return kinds[i];
        }
    }
    return SECRET_NONE;
}

static bool is_source_key(const char *text)
{
    for (size_t i = 0; i < SOURCES; i++) {
        if (strcmp(text, sources[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_map(struct decoder *d, struct secret_spot *s)
{
    const struct node_entry *source = NULL;

    for (size_t i = 0; i < s->node->count; i++) {
        const struct node_entry *entry = &s->node->entries[i];
        if (!is_source_key(entry->key->text)) {
            return refuse_key(d, s, entry->key);
        }
        if (kind_of(entry->key->text) != SECRET_NONE) {
            if (source != NULL) {
                return refuse(d, s, entry->key, "a secret has one source");
            }
            source = entry;
        }
    }
    if (source == NULL) {
        return refuse(d, s, s->node, "a secret needs a source: env, file, exec or store");
    }
    s->ref.kind = kind_of(source->key->text);
    if (s->ref.kind != SECRET_STORE && s->node->count > 1) {
        return refuse(d, s, s->node, "id and key belong to store");
    }
    return read_source(d, s, source);
}

static bool read_secret(struct decoder *d, struct secret_spot *s)
{
    if (s->node->kind == NODE_MAP) {
        return read_map(d, s);
    }
    if (s->node->kind == NODE_LIST) {
        return refuse(d, s, s->node, "must be a text or a map, not a list");
    }
    s->ref.kind = SECRET_TEXT;
    s->ref.value = word(d, s, s->node);
    return s->ref.value != NULL;
}

static void keep_use(struct decoder *d, const struct secret_spot *s)
{
    if (d->use_count == d->use_cap) {
        d->use_cap = d->use_cap == 0 ? 16 : d->use_cap * 2;
        d->uses = x_realloc(d->uses, d->use_cap * sizeof *d->uses);
    }
    d->uses[d->use_count++] = (struct secret_use){
        .path = arena_string(d->arena, slice_str(s->path)),
        .ref = s->ref,
    };
}

void decode_secret(struct decoder *d, const char *path, const struct node *node,
                   struct secret_ref *to)
{
    struct secret_spot s = {.path = path, .node = node};

    if (node_is_null(node)) {
        *to = (struct secret_ref){.kind = SECRET_NONE};
        return;
    }
    if (read_secret(d, &s)) {
        s.ref.index = (uint32_t)d->use_count;
        keep_use(d, &s);
        *to = s.ref;
    }
}
