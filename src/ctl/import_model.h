// SPDX-License-Identifier: MIT
//
// import_model: what was read of a pgbouncer.ini, its includes and its auth_file, and what there is
// to say about it. Values are kept as they were written and, where they have a key of ours, as
// YAML. Whoever holds the struct owns the memory. One thread.
#ifndef CTL_IMPORT_MODEL_H
#define CTL_IMPORT_MODEL_H

#include <uthash.h>

#include "base/buf.h"
#include "ctl/import_keys.h"

struct import_origin {
    const char *file; /* lives as long as the struct import */
    int line;         /* 0: the whole file */
};

struct import_value {
    char *raw;  /* NULL where it was not given */
    char *text; /* YAML, or NULL where nothing is to be written */
    struct import_origin at;
};

/* A line of a section, or all of [pgbouncer]. */
struct import_entry {
    UT_hash_handle hh; /* by name, in the order in which they were found */
    char *name;
    struct import_origin at;
    char *password;              /* users: of the auth_file, or NULL; overwritten when freed */
    struct import_value *values; /* by the row in import_keys */
};

struct import {
    struct import_entry *globals;
    struct import_entry *databases;
    struct import_entry *users; /* of [users] and of the auth_file */
    struct import_entry *peers;
    char **files; /* names of all that were read */
    size_t file_count;
    struct buf notes; /* a line for each fault, and each key that needs attention */
    int faults;
};

void import_init(struct import *im);
void import_fini(struct import *im);

/* A copy of the name that stays. */
const char *import_add_file(struct import *im, const char *file);

/* The entry of this name, made where there is none; an old one keeps its password only. */
struct import_entry *import_entry_set(struct import_entry **all, const char *name,
                                      struct import_origin at);
struct import_entry *import_entry_find(struct import_entry *all, const char *name);

/* What was given for a key; raw is NULL where nothing was. */
const struct import_value *import_get(const struct import_entry *entry, enum import_section section,
                                      const char *name);

/* FILE:LINE: text. With a fault nothing is written. */
void import_fault(struct import *im, struct import_origin at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void import_note(struct import *im, struct import_origin at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
