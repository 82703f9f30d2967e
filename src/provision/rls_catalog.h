// SPDX-License-Identifier: MIT
//
// rls_catalog: what is asked of the catalogs when row security is set up: the tables, and the traps
// that a policy does not close. Constant texts for a session whose search_path is pg_catalog.
#ifndef PROVISION_RLS_CATALOG_H
#define PROVISION_RLS_CATALOG_H

#include <stddef.h>

/* $1 the tenant column, $2 oids as "{…}" or NULL for every table that has the column. Tables with
 * all that inherit from them, in order. Columns: */
extern const char rls_catalog_tables[];

enum {
    RLS_TABLE_OID,
    RLS_TABLE_SCHEMA,
    RLS_TABLE_NAME,
    RLS_TABLE_KIND, /* r, p or f */
    RLS_TABLE_TYPE, /* NULL: it has no such column */
    RLS_TABLE_DEFAULT,
    RLS_TABLE_GENERATED, /* t or f */
    RLS_TABLE_OTHERS,    /* permissive policies that are not ours */
    RLS_TABLE_PROTECTED  /* t or f: our policy is there, and in force for the owner too */
};

/* Places in the array below of those that others ask for by name. */
enum { RLS_TRAP_UNIQUE_KEYS, RLS_TRAP_VIEWS };

/* Each gives rows of object and warning. $1 the tenant column, $2 the oids of the tables as "{…}",
 * $3 the role that tenants share, or NULL. */
extern const char *const rls_catalog_traps[];
extern const size_t rls_catalog_trap_count;

/* The same of what every role may do with databases: the one at hand, and others that it may log in
 * to. For tenants whose role is their own; the traps above have the database at hand. */
extern const char rls_catalog_open_databases[];

#endif
