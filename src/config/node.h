// SPDX-License-Identifier: MIT
//
// node: YAML text as a tree whose nodes know where they stand. One document, no tags, every key a
// scalar that stands once in its map. An alias is the very node that was anchored, so that a tree
// may share parts, but it has no circles: an anchor is known only behind its node. Depth and the
// number of nodes (each alias counted with all that is below it) are bounded. The tree lives in the
// arena given.
#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "config/arena.h"
#include "config/faults.h"

enum {
    NODE_DEPTH_MAX = 16,
    NODE_COUNT_MAX = 4 << 20, /* nodes of a tree, aliases expanded */
    NODE_ANCHORS_MAX = 1024
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node;

struct node_entry {
    const struct node *key; /* NULL in a list */
    const struct node *value;
};

struct node {
    enum node_kind kind;
    int line;                         /* from 1 */
    int column;                       /* from 1, in characters */
    bool plain;                       /* SCALAR: written without quotes */
    const char *text;                 /* SCALAR: the value, without NUL inside; else NULL */
    const struct node_entry *entries; /* LIST, MAP: in the order of the file */
    size_t count;                     /* LIST, MAP */
    uint32_t weight;                  /* nodes from here down, itself included */
};

/* Returns the root; an empty text gives an empty map. Where that is not possible it returns NULL
 * and there is at least one fault; a key that stands twice is a fault, too, but gives a tree. */
const struct node *node_parse(struct arena *arena, struct slice text, struct config_faults *faults);

/* The value of a map's key, or NULL; of anything that is not a map: NULL. */
const struct node *node_get(const struct node *map, const char *key);

/* The node at a path of keys with dots between them; or NULL, or as far down as the path goes. */
const struct node *node_find(const struct node *map, const char *path);
const struct node *node_nearest(const struct node *map, const char *path);

/* Nothing written, ~ or null. */
bool node_is_null(const struct node *node);

#endif
