// SPDX-License-Identifier: MIT
//
// attacks: the table of attacks.toml: what a tenant may try, at which level it gets through, what
// keeps it out, what to do. Constant.
#ifndef CTL_ATTACKS_H
#define CTL_ATTACKS_H

#include <stdbool.h>
#include <stddef.h>

/* How a tenant is kept apart, as the table counts. */
enum attack_level {
    LEVEL_CARELESS, /* connections that are never scrubbed */
    LEVEL_RLS_PLAIN,
    LEVEL_RLS_SEALED,
    LEVEL_SCHEMA_SHARED,
    LEVEL_SCHEMA_TENANT,
    LEVEL_DATABASE,
    LEVELS
};

#define LEVEL_BIT(level) (1U << (level))

struct attack {
    const char *id;   /* "B1" */
    const char *what; /* "names another tenant with SET" */
    unsigned open;    /* bits of the levels where it gets through */
    const char *by;   /* what keeps it out elsewhere */
    const char *advice;
    bool lasting; /* nothing closes it altogether */
};

extern const struct attack attacks[];
extern const size_t attack_count;

/* NULL when there is none. */
const struct attack *attack_find(const char *id);

#endif
