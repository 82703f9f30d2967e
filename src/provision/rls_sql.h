// SPDX-License-Identifier: MIT
//
// rls_sql: the statements that set up row security. Each goes to a callback, in the order in which
// they must run, within one transaction whose search_path is the first statement. All are safe to
// repeat. Keys are bound as parameters, so that a text that is printed or logged has none. Pure.
#ifndef PROVISION_RLS_SQL_H
#define PROVISION_RLS_SQL_H

#include <stdbool.h>

#include "base/buf.h"

enum {
    RLS_KEYS = 2,
    RLS_PARAMS = 2 * RLS_KEYS,
    RLS_PAD_HEX = 2 + 2 * 64 + 1 /* "\x", the block of a key, NUL */
};

struct rls_options {
    const char *setting; /* "app.tenant" */
    const char *column;
    bool sealed;
    struct slice keys[RLS_KEYS]; /* where sealed; the second may be empty */
};

/* A table to protect, as the catalogs have it. */
struct rls_table {
    const char *schema;
    const char *name;
    const char *cast;     /* the column's type, out of rls_cast */
    bool sets_default;    /* its column has no default, or ours */
    bool has_other_rules; /* permissive policies that are not ours */
};

struct rls_statement {
    const char *object; /* what it is about, for people */
    struct slice sql;   /* ends with a NUL behind it, without a semicolon */
    const char *params[RLS_PARAMS];
    int param_count;
};

typedef void (*rls_emit)(void *data, const struct rls_statement *statement);

/* The schema fahrend: its table of keys, and the function that policies ask. */
void rls_sql_install(const struct rls_options *options, rls_emit emit, void *data);

/* Row security of one table. */
void rls_sql_protect(const struct rls_options *options, const struct rls_table *table,
                     rls_emit emit, void *data);

/* What the tenant's name is cast to for a column of this type (pg_type.typname), or NULL where it
 * cannot name a tenant. */
const char *rls_cast(const char *type);

#endif
