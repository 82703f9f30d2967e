// SPDX-License-Identifier: MIT
//
// decode: a tree and the table of keys make a struct config. Goes on after a fault, so that all of
// them are found. Private to this layer. What it makes lives in the arena given.
#ifndef CONFIG_DECODE_H
#define CONFIG_DECODE_H

#include "config/arena.h"
#include "config/config.h"
#include "config/faults.h"
#include "config/node.h"
#include "config/schema.h"

struct decoder {
    struct arena *arena;  /* of the snapshot */
    struct arena *parsed; /* of the tree, which ends with the loading */
    struct config *config;
    struct config_faults *faults;
    const char *folder;      /* where relative paths begin */
    struct secret_use *uses; /* grows; becomes config->secret_uses */
    size_t use_count;
    size_t use_cap;
    void *base[SCOPES]; /* of each scope but the top: an entry with nothing but defaults */
};

/* A value on its way from the file to its place. */
struct spot {
    const struct key *key;
    const char *entry; /* the name of the entry it is in; NULL at the top */
    const struct node *node;
    void *to;
};

/* Fills *config, whose memory is cleared, from the root of the file. */
void decode_config(struct decoder *d, const struct node *root);

/* One value of any type that is kept (decode_value.c). Leaves *to alone where it is at fault. */
void decode_value(struct decoder *d, const struct spot *spot);

/* The types that are maps or lists of their own (decode_map.c). */
void decode_settings(struct decoder *d, const struct spot *spot);
void decode_login(struct decoder *d, const struct spot *spot);
void decode_rules(struct decoder *d, const struct spot *spot);
void decode_pairs(struct decoder *d, const struct spot *spot);

/* A secret at `path` in messages (decode_secret.c). */
void decode_secret(struct decoder *d, const char *path, const struct node *node,
                   struct secret_ref *to);

/* "tenants.acme.pool.size", in the arena of the tree. */
const char *decode_path(struct decoder *d, const struct spot *spot);

/* A fault at a node, led by the key's path. */
void decode_fault(struct decoder *d, const struct spot *spot, const struct node *at,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The text of a node that must be a scalar, or NULL and a fault that says it must be `what`. */
const char *decode_text(struct decoder *d, const struct spot *spot, const struct node *node,
                        const char *what);

/* A path of the file system as it is, or from the folder of the configuration. */
const char *decode_file_path(struct decoder *d, const char *text);

/* A list of words, or one word, neither empty; false after a fault. */
bool decode_strings(struct decoder *d, const struct spot *spot, const struct node *node,
                    struct strings *to);

#endif
