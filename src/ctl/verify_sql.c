// SPDX-License-Identifier: MIT
#include "ctl/verify_sql.h"

#include <string.h>

#define RLS      (1U << STRATEGY_RLS)
#define SCHEMA   (1U << STRATEGY_SCHEMA)
#define DATABASE (1U << STRATEGY_DATABASE)
#define ANY      (RLS | SCHEMA | DATABASE)

/* Rows that are not the tenant's, by what the probe has said before. */
#define SEES_OTHERS                                                                                \
    "SELECT EXISTS (SELECT FROM {table} WHERE {column}::text IS DISTINCT FROM {tenant})"

/* What the policies say of a row of the other tenant, even where it has none. */
#define POLICY_LETS_IN                                                                             \
    "SELECT EXISTS (SELECT FROM (SELECT {other}::{type} AS {column}) AS row_of WHERE {policy})"

/* Tables in other tenants' schemas for which what follows is so. */
#define OTHERS_TABLES                                                                              \
    "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "  \
    "WHERE n.nspname LIKE {schemas} AND n.nspname <> {schema} AND "

const struct verify_probe verify_probes[] = {
    {"B1", RLS, .each_table = true, .sql = "SET LOCAL {setting} = {other}; " SEES_OTHERS},
    {"B1", RLS, .each_table = true, .sql = "SET LOCAL {setting} = {other}; " POLICY_LETS_IN},
    {"B1", SCHEMA,
     .sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname LIKE {schemas} AND "
            "nspname <> {schema} AND pg_catalog.has_schema_privilege(oid, 'USAGE'))"},
    {"B1", DATABASE,
     .sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname LIKE {databases} AND "
            "datname <> pg_catalog.current_database() AND "
            "pg_catalog.has_database_privilege(oid, 'CONNECT'))"},
    {"B2", RLS, .each_table = true,
     .sql = "DO $verify$ BEGIN PERFORM set_config({setting_text}, {other}, true); END "
            "$verify$; " SEES_OTHERS},
    {"B2", RLS, .each_table = true,
     .sql =
         "SELECT NULL FROM pg_catalog.set_config({setting_text}, {other}, true); " POLICY_LETS_IN},
    {"B4", RLS, .each_table = true,
     .sql = "SET LOCAL {setting} = ''; SELECT EXISTS (SELECT FROM {table})"},
    {"B4", RLS, .each_table = true, .sql = "RESET {setting}; SELECT EXISTS (SELECT FROM {table})"},
    {"B5", ANY,
     .sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname LIKE {roles} AND rolname "
            "<> current_user AND pg_catalog.pg_has_role(oid, 'MEMBER'))"},
    {"B11", ANY, .shared = true,
     .sql = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_stat_get_activity(integer)', "
            "'EXECUTE')"},
    {"B12", ANY, .shared = true,
     .sql = "SELECT pg_catalog.bool_or(pg_catalog.has_function_privilege(oid, 'EXECUTE')) FROM "
            "pg_catalog.pg_proc WHERE proname IN ('pg_terminate_backend', 'pg_cancel_backend')"},
    {"B13", RLS, .each_table = true,
     .sql = "SELECT pg_catalog.has_table_privilege({table_text}, 'TRUNCATE')"},
    {"B13", SCHEMA,
     .sql = "SELECT EXISTS (" OTHERS_TABLES "pg_catalog.has_table_privilege(c.oid, 'TRUNCATE'))"},
    {"B16", SCHEMA,
     .sql = "SELECT EXISTS (" OTHERS_TABLES "pg_catalog.pg_has_role(c.relowner, 'USAGE'))"},
    {"B16", ANY,
     .sql =
         "SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user"},
    {"B16", RLS, .each_table = true,
     .sql = "SELECT NOT relrowsecurity OR pg_catalog.pg_has_role(relowner, 'USAGE') FROM "
            "pg_catalog.pg_class WHERE oid = {table_text}::pg_catalog.regclass"},
    {"B18", RLS,
     .sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'fahrend' AND "
            "(pg_catalog.has_schema_privilege(oid, 'CREATE') OR "
            "pg_catalog.pg_has_role(nspowner, 'USAGE')))"},
    {"B18", RLS, .sql = "SELECT EXISTS (SELECT FROM fahrend.seal_key)"},
    {"B18", RLS, .each_table = true,
     .sql = "SET LOCAL {setting} = {other}; SET LOCAL {setting}_seal = ''; " POLICY_LETS_IN},
    {"X6", ANY, .shared = true, .sql = "SELECT true"},
};

const size_t verify_probe_count = sizeof verify_probes / sizeof verify_probes[0];

/* ---- filling in ---- */

static bool add_literal(PGconn *conn, struct buf *out, const char *text)
{
    char *quoted = text == NULL ? NULL : PQescapeLiteral(conn, text, strlen(text));

    if (quoted == NULL) {
        return false;
    }
    buf_append(out, quoted, strlen(quoted));
    PQfreemem(quoted);
    return true;
}

static bool add_identifier(PGconn *conn, struct buf *out, const char *text)
{
    char *quoted = PQescapeIdentifier(conn, text, strlen(text));

    if (quoted == NULL) {
        return false;
    }
    buf_append(out, quoted, strlen(quoted));
    PQfreemem(quoted);
    return true;
}

static bool add_text(struct buf *out, const char *text)
{
    if (text == NULL) {
        return false;
    }
    buf_append(out, text, strlen(text));
    return true;
}

/* A pattern of names: the tenant's in its place, or % for every tenant's. One without a place is no
 * pattern of other tenants'. */
static bool add_pattern(PGconn *conn, const struct verify_names *names, const char *pattern,
                        bool everyones, struct buf *out)
{
    const char *place = strstr(pattern, "{tenant}");
    struct buf name = {0};

    if (place == NULL) {
        return false;
    }
    for (const char *p = pattern; *p != '\0'; p++) {
        if (p == place) {
            buf_printf(&name, "%s", everyones ? "%" : names->tenant);
            p += strlen("{tenant}") - 1;
        } else {
            buf_printf(&name, "%s%c", everyones && strchr("%_\\", *p) != NULL ? "\\" : "", *p);
        }
    }
    buf_append_u8(&name, 0);
    bool added = add_literal(conn, out, (const char *)buf_slice(&name).p);
    buf_release(&name);
    return added;
}

static bool add_value(PGconn *conn, const struct verify_names *n, struct slice place,
                      struct buf *out)
{
    const struct tenant_config *t = n->config;

    return slice_eq_str(place, "tenant")         ? add_literal(conn, out, n->tenant)
           : slice_eq_str(place, "other")        ? add_literal(conn, out, n->other)
           : slice_eq_str(place, "setting")      ? add_text(out, t->rls.setting)
           : slice_eq_str(place, "setting_text") ? add_literal(conn, out, t->rls.setting)
           : slice_eq_str(place, "column")       ? add_identifier(conn, out, t->rls.column)
           : slice_eq_str(place, "table")        ? add_text(out, n->table)
           : slice_eq_str(place, "table_text")   ? add_literal(conn, out, n->table)
           : slice_eq_str(place, "type")         ? add_text(out, n->type)
           : slice_eq_str(place, "policy")       ? add_text(out, n->policy)
           : slice_eq_str(place, "schema")       ? add_pattern(conn, n, t->schema.name, false, out)
           : slice_eq_str(place, "schemas")      ? add_pattern(conn, n, t->schema.name, true, out)
           : slice_eq_str(place, "roles")        ? add_pattern(conn, n, t->role, true, out)
           : slice_eq_str(place, "databases")
               ? add_pattern(conn, n, t->database == NULL ? t->dedicated.name : t->database, true,
                             out)
               : false;
}

bool verify_fill(PGconn *conn, const struct verify_names *names, const char *sql, struct buf *out)
{
    while (*sql != '\0') {
        size_t n = strcspn(sql, "{");
        buf_append(out, sql, n);
        sql += n;
        if (*sql == '{') {
            size_t length = strcspn(sql, "}");
            if (!add_value(conn, names, slice_of(sql + 1, length - 1), out)) {
                return false;
            }
            sql += length + 1;
        }
    }
    buf_append_u8(out, 0);
    return true;
}
