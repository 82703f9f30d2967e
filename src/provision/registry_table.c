// SPDX-License-Identifier: MIT
#include "provision/registry_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define VERSION "1"

/* One transaction under a lock: several proxies may start at once. */
static const char create[] =
    "BEGIN;"
    "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('fahrend registry', 0));"
    "CREATE SCHEMA IF NOT EXISTS fahrend;"
    "CREATE TABLE IF NOT EXISTS fahrend.registry (version integer NOT NULL);"
    "INSERT INTO fahrend.registry SELECT " VERSION
    "  WHERE NOT EXISTS (SELECT FROM fahrend.registry);"
    "CREATE SEQUENCE IF NOT EXISTS fahrend.tenant_changes;"
    "CREATE TABLE IF NOT EXISTS fahrend.tenants ("
    "  name text COLLATE \"C\" PRIMARY KEY"
    "    CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$'),"
    "  state text NOT NULL DEFAULT 'active'"
    "    CHECK (state IN ('active', 'suspended', 'paused', 'creating', 'dropping')),"
    "  options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),"
    "  made boolean NOT NULL DEFAULT true,"
    "  change bigint NOT NULL DEFAULT 0,"
    "  changed_at timestamptz NOT NULL DEFAULT now());"
    "CREATE OR REPLACE FUNCTION fahrend.note_tenant_change() RETURNS trigger LANGUAGE plpgsql"
    "  SET search_path = pg_catalog, pg_temp AS $$ BEGIN"
    "  IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.name <> NEW.name) THEN"
    "    PERFORM pg_notify('" REGISTRY_CHANNEL "', OLD.name);"
    "  END IF;"
    "  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;"
    "  NEW.change := nextval('fahrend.tenant_changes');"
    "  NEW.changed_at := now();"
    "  PERFORM pg_notify('" REGISTRY_CHANNEL "', NEW.name);"
    "  RETURN NEW;"
    "  END $$;"
    "DROP TRIGGER IF EXISTS note_tenant_change ON fahrend.tenants;"
    "CREATE TRIGGER note_tenant_change BEFORE INSERT OR UPDATE OR DELETE ON fahrend.tenants"
    "  FOR EACH ROW EXECUTE FUNCTION fahrend.note_tenant_change();"
    "COMMIT";

#define COLUMNS "name, state, options::text, made, change"

enum { COLUMN_NAME, COLUMN_STATE, COLUMN_OPTIONS, COLUMN_MADE, COLUMN_CHANGE };

const char registry_table_all[] = "SELECT " COLUMNS " FROM fahrend.tenants";
const char registry_table_some[] =
    "SELECT " COLUMNS " FROM fahrend.tenants WHERE name = ANY ($1::text[])";
const char registry_table_sum[] =
    "SELECT pg_catalog.count(*) || ' ' || coalesce(pg_catalog.sum(change), 0) FROM fahrend.tenants";

int registry_table_exists(PGconn *conn, bool *exists, struct err *err)
{
    PGresult *result;
    int rc = pgexec_query(conn, "SELECT pg_catalog.to_regclass('fahrend.registry') IS NOT NULL",
                          NULL, 0, &result, err);

    *exists = rc == 0 && PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return rc;
}

static int check_version(PGconn *conn, struct err *err)
{
    PGresult *result;
    int rc = pgexec_query(conn, "SELECT version FROM fahrend.registry", NULL, 0, &result, err);

    if (rc == 0 && (PQntuples(result) != 1 || strcmp(PQgetvalue(result, 0, 0), VERSION) != 0)) {
        rc = err_set(err, ERR_UNSUPPORTED,
                     "the table fahrend.tenants is of version %s, and this program knows " VERSION,
                     PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "none");
    }
    PQclear(result);
    return rc;
}

int registry_table_prepare(PGconn *conn, struct err *err)
{
    bool exists;
    int rc = registry_table_exists(conn, &exists, err);

    if (rc == 0 && !exists) {
        rc = pgexec_batch(conn, create, err);
    }
    rc = rc < 0 ? rc : check_version(conn, err);
    if (rc < 0) {
        err_wrap(err, "registry");
    }
    return rc;
}

/* ---- rows ---- */

/* Its options lie where the result has them. */
static void read_row(const PGresult *result, int row, struct roster_record *record)
{
    *record = (struct roster_record){
        .made = PQgetvalue(result, row, COLUMN_MADE)[0] == 't',
        .change = strtoull(PQgetvalue(result, row, COLUMN_CHANGE), NULL, 10),
        .options = PQgetvalue(result, row, COLUMN_OPTIONS),
    };
    (void)snprintf(record->name, sizeof record->name, "%s", PQgetvalue(result, row, COLUMN_NAME));
    if (!tenant_state_parse(slice_str(PQgetvalue(result, row, COLUMN_STATE)), &record->state)) {
        record->state = TENANT_SUSPENDED; /* nobody knows what it means: nobody is let in */
    }
}

/* One block: a text of its own for each of many rows would leave the heap in pieces. */
struct roster_record *registry_table_records(const PGresult *result, size_t room, size_t *count)
{
    size_t texts = 0;

    *count = (size_t)PQntuples(result);
    for (size_t i = 0; i < *count; i++) {
        texts += (size_t)PQgetlength(result, (int)i, COLUMN_OPTIONS) + 1;
    }
    struct roster_record *records = x_alloc((*count + room) * sizeof *records + texts);
    char *text = (char *)(records + *count + room);
    for (size_t i = 0; i < *count; i++) {
        size_t n = (size_t)PQgetlength(result, (int)i, COLUMN_OPTIONS) + 1;
        read_row(result, (int)i, &records[i]);
        records[i].options = memcpy(text, records[i].options, n);
        text += n;
    }
    return records;
}

static void set_gone(struct roster_record *record, const char *name)
{
    *record = (struct roster_record){.gone = true};
    (void)snprintf(record->name, sizeof record->name, "%s", name);
}

/* Runs a statement that gives the row of this name, or none. */
static int take_row(PGconn *conn, const char *sql, const char *const *params, int count,
                    struct roster_record *record, struct err *err)
{
    PGresult *result;
    int rc = pgexec_query(conn, sql, params, count, &result, err);

    if (rc < 0) {
        err_wrap(err, "registry");
        return rc;
    }
    if (PQntuples(result) == 0) {
        set_gone(record, params[0]);
    } else {
        read_row(result, 0, record);
        record->options = x_strdup(record->options);
    }
    PQclear(result);
    return 0;
}

int registry_table_read(PGconn *conn, const char *name, struct roster_record *record,
                        struct err *err)
{
    return take_row(conn, "SELECT " COLUMNS " FROM fahrend.tenants WHERE name = $1", &name, 1,
                    record, err);
}

int registry_table_insert(PGconn *conn, const struct roster_record *given,
                          struct roster_record *record, bool *inserted, struct err *err)
{
    const char *params[] = {given->name, tenant_state_name(given->state), given->options,
                            given->made ? "t" : "f"};
    int rc = take_row(conn,
                      "INSERT INTO fahrend.tenants (name, state, options, made)"
                      " VALUES ($1, $2, pg_catalog.jsonb_strip_nulls($3::jsonb), $4::boolean)"
                      " ON CONFLICT DO NOTHING RETURNING " COLUMNS,
                      params, 4, record, err);

    *inserted = rc == 0 && !record->gone;
    if (rc < 0 || *inserted) {
        return rc;
    }
    return registry_table_read(conn, given->name, record, err);
}

int registry_table_update(PGconn *conn, const struct roster_record *given,
                          struct roster_record *record, struct err *err)
{
    const char *params[] = {given->name, tenant_state_name(given->state), given->options,
                            given->made ? "t" : "f"};
    int rc = take_row(conn,
                      "UPDATE fahrend.tenants SET state = $2, made = $4::boolean,"
                      " options = pg_catalog.jsonb_strip_nulls(options || $3::jsonb)"
                      " WHERE name = $1 RETURNING " COLUMNS,
                      params, 4, record, err);

    if (rc == 0 && record->gone) {
        rc = err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%s\" is not in the registry", given->name);
    }
    return rc;
}

int registry_table_merge(PGconn *conn, const char *options, const char *over, char **merged,
                         struct err *err)
{
    const char *params[] = {options, over};
    PGresult *result;
    int rc = pgexec_query(conn, "SELECT pg_catalog.jsonb_strip_nulls($1::jsonb || $2::jsonb)::text",
                          params, 2, &result, err);

    *merged = rc == 0 ? x_strdup(PQgetvalue(result, 0, 0)) : NULL;
    PQclear(result);
    return rc;
}

int registry_table_repeat(PGconn *conn, const char *row, const char *given, char **options,
                          uint32_t *epoch, struct err *err)
{
    const char *params[] = {row, given};
    PGresult *result;
    int rc = pgexec_query(
        conn,
        "SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('password_epoch', e)"
        " || $2::jsonb)::text, coalesce(e, '0') FROM (SELECT $1::jsonb ->> 'password_epoch' AS e) "
        "r",
        params, 2, &result, err);

    *options = rc == 0 ? x_strdup(PQgetvalue(result, 0, 0)) : NULL;
    *epoch = rc == 0 ? (uint32_t)strtoul(PQgetvalue(result, 0, 1), NULL, 10) : 0;
    PQclear(result);
    return rc;
}

int registry_table_delete(PGconn *conn, const char *name, struct roster_record *record,
                          struct err *err)
{
    int rc = take_row(conn, "DELETE FROM fahrend.tenants WHERE name = $1 RETURNING " COLUMNS, &name,
                      1, record, err);

    if (rc == 0) {
        uint64_t change = record->change;
        roster_record_fini(record);
        set_gone(record, name);
        record->change = change;
    }
    return rc;
}
