// SPDX-License-Identifier: MIT
//
// schema: the one table of keys. It parses, validates, prints SHOW CONFIG, finds what a reload
// changes, and generates the reference; nothing else knows a key's name, default or bounds. A row
// belongs to a scope: the top of the file, or one entry of a named map (a server, a user, a tenant,
// a provider); its path and its offset count from there. Constant.
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum key_scope { SCOPE_TOP, SCOPE_SERVER, SCOPE_USER, SCOPE_TENANT, SCOPE_PROVIDER, SCOPES };

/* What a value is and, behind the colon, how it is kept. */
enum key_type {
    KEY_SECTION,  /* a map of more keys: nothing */
    KEY_NAMED,    /* a map from names to entries of another scope: nothing */
    KEY_INT,      /* int */
    KEY_TIME,     /* int64_t, milliseconds */
    KEY_SIZE,     /* int64_t, bytes */
    KEY_BOOL,     /* bool */
    KEY_CHOICE,   /* an enum: position in `choices` */
    KEY_TEXT,     /* const char * */
    KEY_NAME,     /* const char *, 1 to LIMIT_NAME bytes */
    KEY_PATH,     /* const char *, absolute; "" stays */
    KEY_STRINGS,  /* struct strings; one word stands for a list of one */
    KEY_SECRET,   /* struct secret_ref */
    KEY_SETTINGS, /* struct settings */
    KEY_LOGIN,    /* struct login_config */
    KEY_RULES,    /* struct resolve_rules */
    KEY_PAIRS     /* struct certificates */
};

/* From when on a change is in force. */
enum key_effect {
    EFFECT_CLIENTS, /* for clients that log in after the reload */
    EFFECT_NOW,     /* for everybody, with the reload */
    EFFECT_RESTART  /* with the next start */
};

/* Placeholders that a pattern may hold. */
enum {
    PLACE_TENANT = 1 << 0,
    PLACE_SCHEMA = 1 << 1,
    PLACE_ROLE = 1 << 2,
    PLACE_USER = 1 << 3,
    PLACE_DATABASE = 1 << 4,
    PLACE_APPLICATION = 1 << 5,
    PLACE_CLIENT = 1 << 6,
    PLACE_ALL = (1 << 7) - 1
};

struct key {
    enum key_scope scope;
    const char *path; /* from the scope's start, with dots: "pool.size" */
    enum key_type type;
    size_t offset;              /* in the scope's struct */
    const char *fallback;       /* default, as YAML; NULL: none (zero, NULL, absent) */
    const char *help;           /* a sentence or two */
    int64_t min;                /* INT, TIME, SIZE */
    int64_t max;                /* INT, TIME, SIZE; 0: the most the type is given */
    const char *zero;           /* INT: the word for 0, which `min` may exclude as a number */
    const char *const *choices; /* CHOICE: ends with NULL */
    unsigned places;            /* TEXT, NAME, PATH: placeholders allowed; 0: braces mean nothing */
    enum key_scope entries;     /* NAMED */
    const char *example;        /* what the reference shows where there is no default */
    bool needed;                /* the reference gives the example, so that it is whole */
    bool some;                  /* TEXT, STRINGS: must not be empty */
    enum key_effect effect;     /* TOP: what a reload makes of a change; see schema_effect */
};

extern const struct key schema_keys[];
extern const size_t schema_key_count;

/* Name and size of a scope's struct; the name an entry has in the reference. */
struct scope {
    const char *prefix;  /* "servers." */
    const char *example; /* "main" */
    size_t size;
};

extern const struct scope schema_scopes[SCOPES];

/* The row, or NULL. */
const struct key *schema_find(enum key_scope scope, const char *path);

/* A client keeps the user and the tenant that it logged in as; what is told of servers and stores
 * of secrets holds for connections and requests from then on, whoever needs them. */
static inline enum key_effect schema_effect(const struct key *key)
{
    return key->scope == SCOPE_SERVER || key->scope == SCOPE_PROVIDER ? EFFECT_NOW : key->effect;
}

/* Its last word: "size" of "pool.size". */
const char *schema_leaf(const struct key *key);

/* Is the row one of the section at `path` ("" for the scope's start), and not of one below it? */
bool schema_in_section(const struct key *key, enum key_scope scope, const char *path);

#endif
