// SPDX-License-Identifier: MIT
//
// import_fields: what one server, user or tenant of the new file says, key by key, and what is
// written of it: only what differs from a base, in the order of the schema.
#ifndef CTL_IMPORT_FIELDS_H
#define CTL_IMPORT_FIELDS_H

#include "ctl/import_model.h"

enum { IMPORT_FIELDS_MAX = 64 };

struct import_field {
    const char *path; /* of a key of the scope */
    char *value;      /* YAML, ours */
};

struct import_fields {
    enum key_scope scope;
    struct import_field items[IMPORT_FIELDS_MAX];
    size_t count;
};

/* What [pgbouncer] says, and over it what the entry says; the entry may be NULL. */
void import_fields_fill(struct import_fields *fields, const struct import *im,
                        const struct import_entry *entry);

/* Takes the value over. */
void import_fields_set(struct import_fields *fields, const char *path, char *value);

/* The value, or NULL. */
const char *import_fields_get(const struct import_fields *fields, const char *path);

/* The value, or the default of the key; NULL where it has none. */
const char *import_fields_effective(const struct import_fields *fields, const char *path);

/* Appends lines, indented by so many spaces; base may be NULL, then it is the schema's defaults.
 * Of a key that is a named map `named` is called for the lines. Returns whether there are lines. */
bool import_fields_write(const struct import_fields *fields, const struct import_fields *base,
                         int indent, struct buf *out,
                         void (*named)(void *context, const char *path, struct buf *out),
                         void *context);

void import_fields_fini(struct import_fields *fields);

#endif
