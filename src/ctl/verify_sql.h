// SPDX-License-Identifier: MIT
//
// verify_sql: attacks of the table as SQL that does no harm: each asks for one truth, "it gets
// through", in a transaction that is rolled back. Names of the tenant, of another one, of its
// tables are filled in. Pure but for libpq's quoting.
#ifndef CTL_VERIFY_SQL_H
#define CTL_VERIFY_SQL_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "config/config.h"

/* What is tried for an attack, where the tenant is of one of these strategies. */
struct verify_probe {
    const char *attack;
    unsigned strategies; /* bits by enum strategy_kind */
    bool shared;         /* only where tenants share the role; a role of one's own keeps it out */
    bool each_table;     /* for every table that has the tenant column and may be read */
    const char *sql;     /* its last row is t where it gets through */
};

extern const struct verify_probe verify_probes[];
extern const size_t verify_probe_count;

/* Whom a probe is about. */
struct verify_names {
    const struct tenant_config *config;
    const char *tenant;
    const char *other;  /* another tenant, or a name that none has */
    const char *table;  /* schema.name in quotes; NULL between tables; likewise below */
    const char *type;   /* of its tenant column */
    const char *policy; /* what its policies ask */
};

/* The probe with its places filled in, terminated. False where one has no value. */
bool verify_fill(PGconn *conn, const struct verify_names *names, const char *sql, struct buf *out);

#endif
