// SPDX-License-Identifier: MIT
//
// import_keys: the one table of PgBouncer's keys: where each goes in our configuration, or what to
// do instead. How a value is written is known from the schema of ours. Constant.
#ifndef CTL_IMPORT_KEYS_H
#define CTL_IMPORT_KEYS_H

#include "config/schema.h"

enum import_section { IMPORT_GLOBAL, IMPORT_DATABASE, IMPORT_USER, IMPORT_PEER, IMPORT_SECTIONS };

struct import_key {
    enum import_section section;
    const char *name;
    bool own;             /* the writer knows what becomes of it; no path */
    enum key_scope scope; /* of the path */
    const char *path;     /* of our key, or NULL */
    bool translated;      /* no word is the same here: each stands in the table of words */
    const char *fallback; /* our key's value where theirs is not given and defaults differ */
    const char *zero;     /* our key's value where theirs is 0; "": as if it were not given */
    const char *harmless; /* a value for which the advice is not needed */
    const char *advice;   /* what to do, where there is no path; else NULL */
};

/* A value of a key with a path that is another word here, or cannot be had. */
struct import_word {
    const char *path;    /* our key */
    const char *value;   /* theirs */
    const char *instead; /* ours; "": nothing is written */
    const char *advice;  /* what to do, or NULL */
};

extern const struct import_key import_keys[];
extern const size_t import_key_count;

const char *import_section_name(enum import_section section);

/* The row, or NULL. */
const struct import_key *import_key_find(enum import_section section, const char *name);

/* A key that may be meant by a word that is none of that section, or NULL. */
const char *import_key_suggest(enum import_section section, const char *word);

/* NULL where the value means the same here. */
const struct import_word *import_word_find(const char *path, const char *value);

#endif
