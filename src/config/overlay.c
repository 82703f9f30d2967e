// SPDX-License-Identifier: MIT
#include "config/overlay.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "config/check.h"
#include "config/decode.h"
#include "config/suggest.h"

struct overlay {
    atomic_uint refs;
    const struct config *config; /* a reference: much is shared with its defaults */
    struct arena arena;
    struct tenant_config tenant;
};

/* The list while it is read. */
struct reading {
    struct decoder decoder;
    struct tenant_config *to;
};

static void refuse(struct reading *r, const struct node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(struct reading *r, const struct node *at, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    config_faults_add(r->decoder.faults, at->line, at->column, "%s", text);
}

static void refuse_key(struct reading *r, const struct node *key)
{
    const char *meant = suggest_path(SCOPE_TENANT, key->text);

    refuse(r, key, "unknown key \"%.80s\"%s%s%s", key->text,
           meant == NULL ? "" : ", did you mean \"", meant == NULL ? "" : meant,
           meant == NULL ? "" : "\"?");
}

/* A node as the YAML of a file would have it. */
static struct node *scalar(struct reading *r, const struct node *at, struct slice text)
{
    struct node *node = arena_alloc(r->decoder.parsed, sizeof *node);

    *node = (struct node){.kind = NODE_SCALAR,
                          .line = at->line,
                          .column = at->column,
                          .text = arena_string(r->decoder.parsed, text),
                          .weight = 1};
    return node;
}

/* "a, b" as a list. */
static const struct node *list_of(struct reading *r, const struct node *value)
{
    struct node *list = arena_alloc(r->decoder.parsed, sizeof *list);
    struct slice rest = slice_str(value->text);
    size_t most = 1;

    for (size_t i = 0; i < rest.n; i++) {
        most += rest.p[i] == ',' ? 1 : 0;
    }
    struct node_entry *entries = arena_alloc(r->decoder.parsed, most * sizeof *entries);
    *list = (struct node){.kind = NODE_LIST, .line = value->line, .entries = entries, .weight = 1};
    while (rest.n > 0) {
        ptrdiff_t comma = slice_find(rest, ',');
        struct slice word = comma < 0 ? rest : slice_head(rest, (size_t)comma);
        rest = slice_from(rest, word.n + (comma < 0 ? 0 : 1));
        while (word.n > 0 && word.p[0] == ' ') {
            word = slice_from(word, 1);
        }
        while (word.n > 0 && word.p[word.n - 1] == ' ') {
            word = slice_head(word, word.n - 1);
        }
        entries[list->count++].value = scalar(r, value, word);
    }
    return list;
}

static void read_setting(struct reading *r, const struct node_entry *e)
{
    struct node *map = arena_alloc(r->decoder.parsed, sizeof *map);
    struct node_entry *entry = arena_alloc(r->decoder.parsed, sizeof *entry);
    const struct spot spot = {
        .key = schema_find(SCOPE_TENANT, "settings"), .node = map, .to = &r->to->settings};

    *entry = (struct node_entry){
        .key = scalar(r, e->key, slice_from(slice_str(e->key->text), strlen("settings."))),
        .value = e->value};
    *map = (struct node){
        .kind = NODE_MAP, .line = e->key->line, .entries = entry, .count = 1, .weight = 2};
    decode_settings(&r->decoder, &spot);
}

/* NULL where the key may be given. */
static const char *why_not(const struct key *key, const struct node *value)
{
    switch (key->type) {
    case KEY_SECRET:
        return "a secret stands in the configuration file, not here";
    case KEY_SETTINGS:
        return "is given one by one, as settings.work_mem = '8MB'";
    case KEY_PATH:
        return value->text[0] == '/' ? NULL : "must be an absolute path";
    case KEY_LOGIN:
    case KEY_SECTION:
    case KEY_NAMED:
    case KEY_INT:
    case KEY_TIME:
    case KEY_SIZE:
    case KEY_BOOL:
    case KEY_CHOICE:
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_STRINGS:
    case KEY_RULES:
    case KEY_PAIRS:
        break;
    }
    return NULL;
}

static bool is_setting(const struct node *key)
{
    return strncmp(key->text, "settings.", strlen("settings.")) == 0;
}

/* The key that is given, unless it is a setting; NULL after a fault. */
static const struct key *find_key(struct reading *r, const struct node_entry *e)
{
    const struct key *key = schema_find(SCOPE_TENANT, e->key->text);

    if (key == NULL || key->type == KEY_SECTION) {
        refuse_key(r, e->key);
        return NULL;
    }
    const char *why = why_not(key, e->value);
    if (why != NULL) {
        refuse(r, e->key, "%s: %s", key->path, why);
        return NULL;
    }
    return key;
}

static void read_option(struct reading *r, const struct node_entry *e)
{
    if (e->value->kind != NODE_SCALAR) {
        refuse(r, e->value, "%.80s: must be a text", e->key->text);
        return;
    }
    if (is_setting(e->key)) {
        read_setting(r, e);
        return;
    }
    const struct key *key = find_key(r, e);
    if (key == NULL) {
        return;
    }
    const struct spot spot = {.key = key,
                              .node = key->type == KEY_STRINGS ? list_of(r, e->value) : e->value,
                              .to = (char *)r->to + key->offset};
    decode_value(&r->decoder, &spot);
}

static void read_options(struct reading *r, struct slice options)
{
    const struct node *map = node_parse(r->decoder.parsed, options, r->decoder.faults);

    if (map == NULL) {
        return;
    }
    if (map->kind != NODE_MAP) {
        refuse(r, map, "the options of a tenant must be a JSON object");
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        read_option(r, &map->entries[i]);
    }
    if (r->decoder.faults->count == 0) {
        check_tenant_alone(r->decoder.config, r->to, r->decoder.faults);
    }
}

const struct overlay *overlay_build(const struct config *config, struct slice options,
                                    struct err *err)
{
    struct overlay *overlay = x_zalloc(sizeof *overlay);
    struct config_faults faults = {0};
    struct arena parsed = {0};
    struct reading r = {
        .decoder = {.arena = &overlay->arena,
                    .parsed = &parsed,
                    .config = (struct config *)(uintptr_t)config, /* is only read for a tenant */
                    .faults = &faults,
                    .folder = ""},
        .to = &overlay->tenant,
    };

    atomic_init(&overlay->refs, 1);
    overlay->config = config_ref(config);
    overlay->tenant = config->defaults;
    read_options(&r, options);
    if (faults.count > 0) {
        (void)err_set(err, ERR_INVALID_VALUE, "%s", faults.items[0].text);
        overlay_unref(overlay);
        overlay = NULL;
    }
    config_faults_fini(&faults);
    arena_fini(&parsed);
    return overlay;
}

int overlay_check_keys(struct slice options, struct err *err)
{
    struct config_faults faults = {0};
    struct arena parsed = {0};
    struct reading r = {.decoder = {.parsed = &parsed, .faults = &faults}};
    const struct node *map = node_parse(&parsed, options, &faults);

    for (size_t i = 0; map != NULL && map->kind == NODE_MAP && i < map->count; i++) {
        if (!is_setting(map->entries[i].key)) {
            (void)find_key(&r, &map->entries[i]);
        }
    }
    int rc = faults.count == 0 ? 0 : err_set(err, ERR_INVALID_VALUE, "%s", faults.items[0].text);
    config_faults_fini(&faults);
    arena_fini(&parsed);
    return rc;
}

/* The count is the one thing that changes after it is built. */
static atomic_uint *count_of(const struct overlay *overlay)
{
    return &((struct overlay *)(uintptr_t)overlay)->refs;
}

const struct overlay *overlay_ref(const struct overlay *overlay)
{
    if (overlay != NULL) {
        (void)atomic_fetch_add_explicit(count_of(overlay), 1, memory_order_relaxed);
    }
    return overlay;
}

void overlay_unref(const struct overlay *overlay)
{
    struct overlay *mine = (struct overlay *)(uintptr_t)overlay;

    if (mine == NULL || atomic_fetch_sub_explicit(count_of(overlay), 1, memory_order_acq_rel) > 1) {
        return;
    }
    arena_fini(&mine->arena);
    config_unref(mine->config);
    free(mine);
}

const struct tenant_config *overlay_tenant(const struct overlay *overlay)
{
    return &overlay->tenant;
}
