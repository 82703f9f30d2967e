// SPDX-License-Identifier: MIT
//
// import_tenants: the servers and tenants that the lines of [databases] become. PgBouncer has a
// pool for each line and user; we have one for each server, database and role. Lines that lead to
// the same database therefore become tenants of strategy database, whose pools are their own; all
// others are of strategy none.
#ifndef CTL_IMPORT_TENANTS_H
#define CTL_IMPORT_TENANTS_H

#include "ctl/import_fields.h"

/* A line of [databases], as a tenant. */
struct import_line {
    const struct import_entry *entry;
    const char *target; /* database on the server; NULL: what the client asked for */
    size_t server;      /* its number */
    bool any;           /* the line * */
    bool dedicated;     /* has pools of its own */
    struct import_fields fields;
};

struct import_server {
    char *name;
    struct import_fields fields;
};

struct import_tenants {
    struct import *im;
    struct import_line *lines;
    size_t line_count;
    struct import_line *any; /* among the lines, or NULL */
    struct import_server *servers;
    size_t server_count;
    struct import_fields defaults; /* of tenants */
};

/* What cannot be a tenant is noted; a file without any is a fault. To be ended in either case. */
void import_tenants_init(struct import_tenants *w, struct import *im);
void import_tenants_fini(struct import_tenants *w);

/* What [pgbouncer] says for a key. */
const struct import_value *import_tenants_global(const struct import_tenants *w, const char *name);

#endif
