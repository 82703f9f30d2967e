// SPDX-License-Identifier: MIT
#include "config/environ.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "config/schema.h"

#define PREFIX "FAHREND_"

enum { PARTS_MAX = 8 }; /* more than any key has */

/* A variable that counts. */
struct variable {
    char *name;             /* the whole of it; the caller's memory */
    char *parts[PARTS_MAX]; /* in the arena */
    size_t count;
    const struct node *value;
};

/* What is laid over the tree: sorted, so that those of one map stand together. */
struct overlaying {
    struct arena *arena;
    struct config_faults *faults;
    struct variable *items;
    size_t count;
};

/* ---- which count ---- */

/* Is the word a key of the top, or the first part of one? */
static bool is_top_key(struct slice word)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        const char *path = schema_keys[i].path;
        if (schema_in_section(&schema_keys[i], SCOPE_TOP, "") && strlen(path) == word.n &&
            strncasecmp(path, (const char *)word.p, word.n) == 0) {
            return true;
        }
    }
    return false;
}

/* The part of "FAHREND_X=…" before the sign; empty where the variable does not count. */
static struct slice name_of(const char *variable)
{
    const char *end = strchr(variable, '=');
    size_t skip = strlen(PREFIX);

    if (end == NULL || strncmp(variable, PREFIX, skip) != 0) {
        return slice_of(variable, 0);
    }
    struct slice name = slice_of(variable, (size_t)(end - variable));
    bool deep = memmem(name.p, name.n, "__", 2) != NULL;
    return deep || is_top_key(slice_from(name, skip)) ? name : slice_head(name, 0);
}

bool environ_has_keys(char *const *variables)
{
    for (; variables != NULL && *variables != NULL; variables++) {
        if (name_of(*variables).n > 0) {
            return true;
        }
    }
    return false;
}

/* ---- names ---- */

/* Capitals alone stand for small letters: most of those who write variables write them so. */
static char *part_of(struct arena *arena, struct slice text)
{
    char *part = arena_string(arena, text);
    bool mixed = false;

    for (const char *p = part; *p != '\0'; p++) {
        mixed = mixed || islower((unsigned char)*p);
    }
    for (char *p = part; !mixed && *p != '\0'; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    return part;
}

/* Returns false where it cannot be the path of a key. */
static bool split_name(struct arena *arena, struct slice name, struct variable *to)
{
    struct slice rest = slice_from(name, strlen(PREFIX));

    for (;;) {
        const uint8_t *mark = rest.n == 0 ? NULL : memmem(rest.p, rest.n, "__", 2);
        struct slice part = mark == NULL ? rest : slice_head(rest, (size_t)(mark - rest.p));
        if (part.n == 0 || to->count == PARTS_MAX) {
            return false;
        }
        to->parts[to->count++] = part_of(arena, part);
        if (mark == NULL) {
            return true;
        }
        rest = slice_from(rest, part.n + 2);
    }
}

static int compare_paths(const struct variable *a, const struct variable *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int order = strcmp(a->parts[i], b->parts[i]);
        if (order != 0) {
            return order;
        }
    }
    return a->count < b->count ? -1 : a->count > b->count ? 1 : 0;
}

static int compare(const void *left, const void *right)
{
    int order = compare_paths(left, right);

    return order != 0 ? order
                      : strcmp(((const struct variable *)left)->name,
                               ((const struct variable *)right)->name);
}

/* ---- values ---- */

/* Every node of a value stands where the variable stands. */
static void place(const struct node *node, int column)
{
    struct node *mine = (struct node *)(uintptr_t)node; /* was made for this value */

    if (mine->line == 0) {
        return; /* an alias led here again */
    }
    mine->line = 0;
    mine->column = column;
    for (size_t i = 0; i < mine->count; i++) {
        if (mine->entries[i].key != NULL) {
            place(mine->entries[i].key, column);
        }
        place(mine->entries[i].value, column);
    }
}

static struct node *new_node(struct overlaying *o, enum node_kind kind, int column)
{
    struct node *node = arena_alloc(o->arena, sizeof *node);

    *node = (struct node){.kind = kind, .column = column, .weight = 1};
    return node;
}

static const struct node *new_text(struct overlaying *o, const char *text, int column)
{
    struct node *node = new_node(o, NODE_SCALAR, column);

    node->text = arena_string(o->arena, slice_str(text));
    return node;
}

/* NULL after a fault. */
static const struct node *read_value(struct overlaying *o, const char *text, int column)
{
    struct config_faults faults = {0};

    if (text[0] == '\0' || strchr("[{\"'", text[0]) == NULL) {
        return new_text(o, text, column);
    }
    const struct node *node = node_parse(o->arena, slice_str(text), &faults);
    for (size_t i = 0; i < faults.count; i++) {
        config_faults_add(o->faults, 0, column, "%s", faults.items[i].text);
    }
    bool good = faults.count == 0;
    config_faults_fini(&faults);
    if (!good) {
        return NULL;
    }
    place(node, column);
    return node;
}

static void read_variable(struct overlaying *o, const char *variable)
{
    struct slice name = name_of(variable);
    struct variable v = {.count = 0};

    if (name.n == 0) {
        return;
    }
    v.name = arena_string(o->arena, name);
    int column = config_faults_variable(o->faults, v.name);
    if (!split_name(o->arena, name, &v)) {
        config_faults_add(o->faults, 0, column, "is not the name of a key");
        return;
    }
    v.value = read_value(o, variable + name.n + 1, column);
    if (v.value != NULL) {
        o->items[o->count++] = v;
    }
}

/* ---- laying over ---- */

static size_t find_entry(const struct node_entry *entries, size_t count, const char *key)
{
    size_t i = 0;

    while (i < count && strcmp(entries[i].key->text, key) != 0) {
        i++;
    }
    return i;
}

/* The variables [from, to) begin with the same `depth` parts, which lead to the node (NULL: to
 * nothing yet). Returns what stands there with them. */
static const struct node *lay(struct overlaying *o, const struct node *node, size_t from, size_t to,
                              size_t depth)
{
    const struct variable *first = &o->items[from];

    if (first->count == depth) {
        node = first->value;
        from++;
    }
    if (from == to) {
        return node;
    }
    bool map = node != NULL && node->kind == NODE_MAP;
    struct node *out = new_node(o, NODE_MAP, first->value->column);
    struct node_entry *entries =
        arena_alloc(o->arena, ((map ? node->count : 0) + to - from) * sizeof *entries);
    if (map) {
        *out = *node;
    }
    for (size_t i = 0; i < out->count; i++) {
        entries[i] = node->entries[i];
    }
    out->entries = entries;
    while (from < to) {
        const char *part = o->items[from].parts[depth];
        size_t end = from + 1;
        while (end < to && strcmp(o->items[end].parts[depth], part) == 0) {
            end++;
        }
        size_t at = find_entry(entries, out->count, part);
        if (at == out->count) {
            entries[at].key = new_text(o, part, o->items[from].value->column);
            out->count++;
        }
        entries[at].value = lay(o, entries[at].value, from, end, depth + 1);
        from = end;
    }
    return out;
}

/* Two variables for one key, written differently. */
static void drop_duplicates(struct overlaying *o)
{
    size_t kept = 0;

    for (size_t i = 0; i < o->count; i++) {
        if (kept > 0 && compare_paths(&o->items[kept - 1], &o->items[i]) == 0) {
            config_faults_add(o->faults, 0, o->items[i].value->column, "%s stands for the same key",
                              o->items[kept - 1].name);
        } else {
            o->items[kept++] = o->items[i];
        }
    }
    o->count = kept;
}

const struct node *environ_overlay(struct arena *arena, const struct node *root,
                                   char *const *variables, struct config_faults *faults)
{
    struct overlaying o = {.arena = arena, .faults = faults};
    size_t count = 0;

    while (variables != NULL && variables[count] != NULL) {
        count++;
    }
    o.items = arena_alloc(arena, (count + 1) * sizeof *o.items);
    for (size_t i = 0; i < count; i++) {
        read_variable(&o, variables[i]);
    }
    if (o.count == 0) {
        return root;
    }
    qsort(o.items, o.count, sizeof *o.items, compare);
    drop_duplicates(&o);
    return lay(&o, root, 0, o.count, 0);
}
