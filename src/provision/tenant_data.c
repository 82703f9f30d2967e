// SPDX-License-Identifier: MIT
#include "provision/tenant_data.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "provision/quote.h"
#include "provision/rls_sql.h"

enum { PART = 50 }; /* tables in one statement */

/* What belongs to an extension goes and comes with it. */
#define NOT_OF_EXTENSION                                                                           \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid"                    \
    "   AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e')"

#define NAME_OF_TABLE "pg_catalog.format('%I.%I', n.nspname, c.relname)"

#define TABLES                                                                                     \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"         \
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition" NOT_OF_EXTENSION

static const char tables_of_schema[] =
    "SELECT " NAME_OF_TABLE TABLES " AND n.nspname = $1 ORDER BY 1";
static const char tables_of_database[] =
    "SELECT " NAME_OF_TABLE TABLES " AND n.nspname <> 'information_schema'"
    " AND n.nspname !~ '^pg_' AND $1::text IS NOT NULL ORDER BY 1";

/* With the tenant's column: its name in quotes and its type. */
static const char tables_with_column[] =
    "SELECT " NAME_OF_TABLE ", pg_catalog.quote_ident(a.attname),"
    "  CASE WHEN t.typtype = 'd' THEN b.typname ELSE t.typname END"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $1 AND a.attnum > 0"
    "    AND NOT a.attisdropped"
    "  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    "  LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_'"
    "  AND n.nspname NOT IN ('information_schema', 'fahrend') ORDER BY 1";

static PGresult *ask_tables(struct script *s, const struct tenant_spec *spec)
{
    const char *param = spec->schema;

    switch (spec->config->strategy) {
    case STRATEGY_SCHEMA:
        return script_ask(s, tables_of_schema, &param, 1);
    case STRATEGY_DATABASE:
        param = spec->database;
        return script_ask(s, tables_of_database, &param, 1);
    case STRATEGY_RLS:
        param = spec->config->rls.column;
        return script_ask(s, tables_with_column, &param, 1);
    case STRATEGY_NONE:
        break;
    }
    return NULL;
}

/* Is the tenant's name a value of this type? Else no row can be its own. */
static bool may_be(const char *cast, const char *tenant)
{
    bool number = strcmp(cast, "text") != 0 && strcmp(cast, "uuid") != 0;

    return !number || strspn(tenant, "0123456789") == strlen(tenant);
}

/* table [WHERE column = 'tenant'::type]; false where the table can have no row of the tenant. */
static bool write_rows(struct buf *sql, const struct tenant_spec *spec, const PGresult *tables,
                       int row)
{
    const char *cast = PQnfields(tables) < 3 ? NULL : rls_cast(PQgetvalue(tables, row, 2));

    if (PQnfields(tables) < 3) {
        buf_printf(sql, "%s", PQgetvalue(tables, row, 0));
        return true;
    }
    if (cast == NULL || !may_be(cast, spec->tenant)) {
        return false;
    }
    const char *type = strcmp(cast, "uuid") == 0 ? "text" : cast;
    buf_printf(sql, "%s WHERE %s%s = ", PQgetvalue(tables, row, 0), PQgetvalue(tables, row, 1),
               strcmp(cast, "uuid") == 0 ? "::text" : "");
    quote_literal(sql, spec->tenant);
    buf_printf(sql, "::%s", type);
    return true;
}

/* Asks some tables at once: the name of one that has rows. */
static void ask_part(struct script *s, const struct tenant_spec *spec, const PGresult *tables,
                     int from, int to)
{
    struct buf sql = {0};
    struct buf rows = {0};
    char table[2 * NAME_SIZE + 8];

    for (int row = from; row < to; row++) {
        buf_clear(&rows);
        if (!write_rows(&rows, spec, tables, row)) {
            continue;
        }
        buf_printf(&sql, buf_size(&sql) == 0 ? "SELECT " : " UNION ALL SELECT ");
        quote_literal(&sql, PQgetvalue(tables, row, 0));
        buf_printf(&sql, " WHERE EXISTS (SELECT FROM %.*s)", (int)buf_size(&rows),
                   (const char *)buf_slice(&rows).p);
    }
    if (buf_size(&sql) > 0) {
        buf_printf(&sql, " LIMIT 1");
        buf_append_u8(&sql, 0);
        if (script_ask_text(s, (const char *)buf_slice(&sql).p, NULL, table, sizeof table)) {
            (void)err_set(&s->report->err, ERR_WRONG_STATE,
                          "tenant \"%s\" has data: table %s is not empty", spec->tenant, table);
            err_hint(&s->report->err,
                     "DROP TENANT \"%s\" CASCADE removes it with all that is there.", spec->tenant);
        }
    }
    buf_release(&sql);
    buf_release(&rows);
}

void tenant_data_refuse(struct script *s, const struct tenant_spec *spec)
{
    PGresult *tables = ask_tables(s, spec);
    int count = tables == NULL ? 0 : PQntuples(tables);

    for (int from = 0; from < count && !script_failed(s); from += PART) {
        ask_part(s, spec, tables, from, from + PART < count ? from + PART : count);
    }
    PQclear(tables);
}

/* ---- rows among others' ---- */

/* Deletes from one table; false where rows of another table still point there. */
static bool delete_rows(struct script *s, const struct tenant_spec *spec, const PGresult *tables,
                        int row)
{
    struct buf sql = {0};
    struct buf rows = {0};
    struct err err = {0};
    int rc = 0;

    if (write_rows(&rows, spec, tables, row)) {
        buf_printf(&sql, "DELETE FROM %.*s", (int)buf_size(&rows),
                   (const char *)buf_slice(&rows).p);
        buf_append_u8(&sql, 0);
        const char *text = (const char *)buf_slice(&sql).p;
        if (!s->dry) {
            script_do(s, "SAVEPOINT rows");
            rc = script_failed(s) ? 0 : pgexec_run(s->conn, text, &err);
            script_do(s, rc < 0 ? "ROLLBACK TO SAVEPOINT rows" : "RELEASE SAVEPOINT rows");
        }
        if (rc == 0 && !script_failed(s)) {
            report_add(s->report, REPORT_SQL, PQgetvalue(tables, row, 0), text);
        }
    }
    buf_release(&sql);
    buf_release(&rows);
    return rc == 0;
}

/* Tables point to each other in an order that is not asked for: round after round some more can be
 * emptied, until none is left, or a whole round came to nothing. */
void tenant_data_delete_rows(struct script *s, const struct tenant_spec *spec)
{
    PGresult *tables = ask_tables(s, spec);
    int count = tables == NULL ? 0 : PQntuples(tables);
    bool *done = x_zalloc((size_t)count + 1);
    int left = count;

    for (int before = count + 1; left > 0 && left < before && !script_failed(s);) {
        before = left;
        for (int row = 0; row < count && !script_failed(s); row++) {
            if (!done[row] && delete_rows(s, spec, tables, row)) {
                done[row] = true;
                left--;
            }
        }
    }
    if (left > 0 && !script_failed(s)) {
        (void)err_set(&s->report->err, ERR_WRONG_STATE,
                      "rows of tenant \"%s\" cannot be deleted: rows of others point to them",
                      spec->tenant);
    }
    free(done);
    PQclear(tables);
}

/* ---- many tables ---- */

static const char many_tables[] =
    "SELECT pg_catalog.string_agg(name, ', ') FROM (SELECT " NAME_OF_TABLE " AS name"
    "  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')" NOT_OF_EXTENSION
    "  ORDER BY c.relkind DESC LIMIT 50) part HAVING pg_catalog.count(*) = 50";

void tenant_data_drop_tables(struct script *s, const struct tenant_spec *spec)
{
    const char *schema = spec->schema;
    bool any = false;

    while (!s->dry && !script_failed(s)) {
        PGresult *part = script_ask(s, many_tables, &schema, 1);
        struct buf sql = {0};
        bool more = part != NULL && PQntuples(part) > 0;
        if (more) {
            buf_printf(&sql, "DROP TABLE %s CASCADE", PQgetvalue(part, 0, 0));
            buf_append_u8(&sql, 0);
            script_do(s, (const char *)buf_slice(&sql).p);
            buf_release(&sql);
        }
        PQclear(part);
        if (!more) {
            break;
        }
        any = true;
    }
    if (any && !script_failed(s)) {
        report_add(s->report, REPORT_NOTE, schema, "its tables were dropped in parts");
    }
}
