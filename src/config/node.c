// SPDX-License-Identifier: MIT
#include "config/node.h"

#include <stdlib.h>
#include <strings.h>

#include <yaml.h>

#include "base/alloc.h"

struct anchor {
    char *name;
    const struct node *node;
};

struct reader {
    yaml_parser_t yaml;
    struct arena *arena;
    struct config_faults *faults;
    struct slice text;
    struct anchor *anchors;
    size_t anchor_count;
    uint32_t count; /* nodes so far, aliases expanded */
};

/* The children of a node while it is read. */
struct children {
    struct node_entry *items;
    size_t count;
    size_t cap;
};

static const struct node *read_node(struct reader *r, const yaml_event_t *event, int depth);

static void add_fault(struct reader *r, yaml_mark_t mark, const char *text)
{
    config_faults_add(r->faults, (int)mark.line + 1, (int)mark.column + 1, "%s", text);
}

/* Where libyaml stopped. A byte that is not UTF-8 has an offset and no mark. */
static yaml_mark_t problem_mark(const struct reader *r)
{
    yaml_mark_t mark = {0};

    if (r->yaml.error != YAML_READER_ERROR) {
        return r->yaml.problem_mark;
    }
    for (size_t i = 0; i < r->yaml.problem_offset && i < r->text.n; i++) {
        if (r->text.p[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if ((r->text.p[i] & 0xC0) != 0x80) { /* not within a character */
            mark.column++;
        }
    }
    return mark;
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->yaml, event)) {
        return true;
    }
    const char *problem = r->yaml.problem == NULL ? "cannot be read" : r->yaml.problem;
    yaml_mark_t mark = problem_mark(r);
    config_faults_add(r->faults, (int)mark.line + 1, (int)mark.column + 1, "not valid YAML: %s",
                      problem);
    return false;
}

/* libyaml frees as it is what may have been a secret. */
static void end_event(yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT) {
        secure_zero(event->data.scalar.value, event->data.scalar.length);
    }
    yaml_event_delete(event);
}

static void end_parser(yaml_parser_t *yaml)
{
    for (yaml_token_t *t = yaml->tokens.head; t != yaml->tokens.tail; t++) {
        if (t->type == YAML_SCALAR_TOKEN) {
            secure_zero(t->data.scalar.value, t->data.scalar.length);
        }
    }
    secure_zero(yaml->raw_buffer.start, (size_t)(yaml->raw_buffer.end - yaml->raw_buffer.start));
    secure_zero(yaml->buffer.start, (size_t)(yaml->buffer.end - yaml->buffer.start));
    yaml_parser_delete(yaml);
}

static struct node *new_node(struct reader *r, const yaml_event_t *event, enum node_kind kind)
{
    struct node *node = arena_alloc(r->arena, sizeof *node);

    *node = (struct node){.kind = kind,
                          .line = (int)event->start_mark.line + 1,
                          .column = (int)event->start_mark.column + 1,
                          .weight = 1};
    return node;
}

/* Counts nodes that were read or reached by an alias. */
static bool count_nodes(struct reader *r, const yaml_event_t *event, uint32_t n)
{
    if (n > NODE_COUNT_MAX - r->count) {
        add_fault(r, event->start_mark, "the file has too many values");
        return false;
    }
    r->count += n;
    return true;
}

static bool keep_anchor(struct reader *r, const yaml_event_t *event, const yaml_char_t *name,
                        const struct node *node)
{
    if (name == NULL) {
        return true;
    }
    if (r->anchor_count == NODE_ANCHORS_MAX) {
        add_fault(r, event->start_mark, "the file has too many anchors");
        return false;
    }
    r->anchors = x_realloc(r->anchors, (r->anchor_count + 1) * sizeof *r->anchors);
    r->anchors[r->anchor_count++] =
        (struct anchor){.name = x_strdup((const char *)name), .node = node};
    return true;
}

/* The latest anchor of a name holds. */
static const struct node *read_alias(struct reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;

    for (size_t i = r->anchor_count; i > 0; i--) {
        if (strcmp(r->anchors[i - 1].name, name) == 0) {
            const struct node *node = r->anchors[i - 1].node;
            return count_nodes(r, event, node->weight) ? node : NULL;
        }
    }
    config_faults_add(r->faults, (int)event->start_mark.line + 1, (int)event->start_mark.column + 1,
                      "no anchor *%s stands before", name);
    return NULL;
}

static const struct node *read_scalar(struct reader *r, const yaml_event_t *event)
{
    struct slice value = slice_of(event->data.scalar.value, event->data.scalar.length);
    struct node *node = new_node(r, event, NODE_SCALAR);

    if (event->data.scalar.tag != NULL) {
        add_fault(r, event->start_mark, "tags are not used here");
        return NULL;
    }
    if (slice_find(value, 0) >= 0) {
        add_fault(r, event->start_mark, "a value cannot hold a NUL byte");
        return NULL;
    }
    node->text = arena_string(r->arena, value);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return node;
}

static void push_child(struct children *c, struct node_entry entry)
{
    if (c->count == c->cap) {
        c->cap = c->cap == 0 ? 8 : c->cap * 2;
        c->items = x_realloc(c->items, c->cap * sizeof *c->items);
    }
    c->items[c->count++] = entry;
}

static void close_collection(struct reader *r, struct node *node, const struct children *c)
{
    node->entries = arena_copy(r->arena, c->items, c->count * sizeof *c->items);
    node->count = c->count;
    for (size_t i = 0; i < c->count; i++) {
        node->weight += c->items[i].value->weight;
        node->weight += c->items[i].key == NULL ? 0 : 1;
    }
}

/* By text; keys that are equal by their order in the file. */
static int compare_keys(const void *left, const void *right)
{
    const struct node *a = *(const struct node *const *)left;
    const struct node *b = *(const struct node *const *)right;
    int order = strcmp(a->text, b->text);

    if (order != 0) {
        return order;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->column - b->column;
}

static void find_duplicates(struct reader *r, const struct children *c)
{
    if (c->count < 2) {
        return;
    }
    const struct node **keys = x_alloc(c->count * sizeof(const struct node *));
    for (size_t i = 0; i < c->count; i++) {
        keys[i] = c->items[i].key;
    }
    qsort(keys, c->count, sizeof(const struct node *), compare_keys);
    for (size_t i = 1; i < c->count; i++) {
        if (strcmp(keys[i - 1]->text, keys[i]->text) == 0) {
            config_faults_add(r->faults, keys[i]->line, keys[i]->column,
                              "key \"%s\" stands twice, before in line %d", keys[i]->text,
                              keys[i - 1]->line);
        }
    }
    free(keys);
}

/* Reads the key whose event is given, and the value behind it. */
static bool read_pair(struct reader *r, const yaml_event_t *event, int depth, struct children *c)
{
    yaml_event_t value_event;

    if (event->type != YAML_SCALAR_EVENT) {
        add_fault(r, event->start_mark, "a key must be a word");
        return false;
    }
    const struct node *key = read_node(r, event, depth);
    if (key == NULL || !next_event(r, &value_event)) {
        return false;
    }
    const struct node *value = read_node(r, &value_event, depth);
    end_event(&value_event);
    if (value == NULL) {
        return false;
    }
    push_child(c, (struct node_entry){.key = key, .value = value});
    return true;
}

static bool read_item(struct reader *r, const yaml_event_t *event, int depth, struct children *c)
{
    const struct node *value = read_node(r, event, depth);

    if (value == NULL) {
        return false;
    }
    push_child(c, (struct node_entry){.value = value});
    return true;
}

static bool read_children(struct reader *r, enum node_kind kind, int depth, struct children *c)
{
    yaml_event_type_t end = kind == NODE_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;

    for (;;) {
        yaml_event_t event;
        if (!next_event(r, &event)) {
            return false;
        }
        bool ended = event.type == end;
        bool ok = ended || (kind == NODE_MAP ? read_pair(r, &event, depth, c)
                                             : read_item(r, &event, depth, c));
        end_event(&event);
        if (ended || !ok) {
            return ok;
        }
    }
}

static const struct node *read_collection(struct reader *r, const yaml_event_t *event,
                                          enum node_kind kind, int depth)
{
    const yaml_char_t *tag =
        kind == NODE_MAP ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    struct node *node = new_node(r, event, kind);
    struct children c = {0};

    if (tag != NULL) {
        add_fault(r, event->start_mark, "tags are not used here");
        return NULL;
    }
    if (depth == NODE_DEPTH_MAX) {
        add_fault(r, event->start_mark, "values are nested too deeply");
        return NULL;
    }
    bool ok = read_children(r, kind, depth + 1, &c);
    if (ok) {
        close_collection(r, node, &c);
        if (kind == NODE_MAP) {
            find_duplicates(r, &c);
        }
    }
    free(c.items);
    return ok ? node : NULL;
}

static const struct node *read_node(struct reader *r, const yaml_event_t *event, int depth)
{
    const yaml_char_t *anchor = NULL;
    const struct node *node = NULL;

    if (event->type == YAML_ALIAS_EVENT) {
        return read_alias(r, event);
    }
    if (!count_nodes(r, event, 1)) {
        return NULL;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        node = read_scalar(r, event);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        node = read_collection(r, event, NODE_LIST, depth);
    } else {
        anchor = event->data.mapping_start.anchor;
        node = read_collection(r, event, NODE_MAP, depth);
    }
    return node != NULL && keep_anchor(r, event, anchor, node) ? node : NULL;
}

/* Skips stream and document marks up to the first value; false at the end or a fault. */
static bool next_value(struct reader *r, yaml_event_t *event)
{
    for (;;) {
        if (!next_event(r, event)) {
            return false;
        }
        if (event->type != YAML_STREAM_START_EVENT && event->type != YAML_DOCUMENT_START_EVENT &&
            event->type != YAML_DOCUMENT_END_EVENT) {
            return true;
        }
        end_event(event);
    }
}

static const struct node *empty_map(struct reader *r)
{
    struct node *node = arena_alloc(r->arena, sizeof *node);

    *node = (struct node){.kind = NODE_MAP, .line = 1, .column = 1, .weight = 1};
    return node;
}

static const struct node *read_document(struct reader *r)
{
    yaml_event_t event;

    if (!next_value(r, &event)) {
        return NULL;
    }
    bool empty = event.type == YAML_STREAM_END_EVENT;
    const struct node *root = empty ? empty_map(r) : read_node(r, &event, 0);
    end_event(&event);
    if (empty || root == NULL) {
        return root;
    }
    if (!next_value(r, &event)) {
        return NULL;
    }
    bool ended = event.type == YAML_STREAM_END_EVENT;
    if (!ended) {
        add_fault(r, event.start_mark, "the file must hold one document");
    }
    end_event(&event);
    return ended ? root : NULL;
}

const struct node *node_parse(struct arena *arena, struct slice text, struct config_faults *faults)
{
    struct reader r = {.arena = arena, .faults = faults, .text = text};
    static const unsigned char none[1] = "";

    if (!yaml_parser_initialize(&r.yaml)) {
        config_faults_add(faults, 1, 1, "out of memory");
        return NULL;
    }
    yaml_parser_set_input_string(&r.yaml, text.n == 0 ? none : text.p, text.n);
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    const struct node *root = read_document(&r);
    end_parser(&r.yaml);
    for (size_t i = 0; i < r.anchor_count; i++) {
        free(r.anchors[i].name);
    }
    free(r.anchors);
    return root;
}

const struct node *node_get(const struct node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].key->text, key) == 0) {
            return map->entries[i].value;
        }
    }
    return NULL;
}

/* Goes down as far as it can; *path is left at what was not found. */
static const struct node *descend(const struct node *node, const char **path)
{
    while (**path != '\0') {
        size_t n = strcspn(*path, ".");
        char *key = x_strndup(slice_of(*path, n));
        const struct node *next = node_get(node, key);
        free(key);
        if (next == NULL) {
            return node;
        }
        node = next;
        *path += (*path)[n] == '.' ? n + 1 : n;
    }
    return node;
}

const struct node *node_find(const struct node *map, const char *path)
{
    const struct node *node = descend(map, &path);

    return *path == '\0' ? node : NULL;
}

const struct node *node_nearest(const struct node *map, const char *path)
{
    return descend(map, &path);
}

bool node_is_null(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->plain &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcasecmp(node->text, "null") == 0);
}
