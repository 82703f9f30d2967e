// SPDX-License-Identifier: MIT
#include "ctl/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/load.h"
#include "ctl/attacks.h"
#include "ctl/print.h"
#include "ctl/target.h"
#include "ctl/tenant_login.h"
#include "ctl/verify_sql.h"
#include "provision/rls_catalog.h"

#define NO_TENANT "fahrend_verify" /* stands for another tenant where the file has only one */

enum verdict { VERDICT_UNKNOWN, VERDICT_KEPT_OUT, VERDICT_OPEN };

/* One tenant's tables with the tenant column, as the tenant itself sees them. */
struct tables {
    PGresult *rows; /* columns: TABLE_* */
    struct buf oids;
};

enum { TABLE_OID, TABLE_NAME, TABLE_TYPE, TABLE_POLICY };

struct verify {
    const struct config *config;
    const struct options *options;
    PGresult *found; /* what is printed: FOUND_* columns */
    int open;        /* that are not allowed */
    /* of the tenant at hand */
    PGconn *conn;
    struct verify_names names;
    struct tables tables;
    bool shared; /* its role is other tenants' too */
};

/* ---- what was found ---- */

static void set_value(PGresult *found, int row, int column, const char *text)
{
    char *copy = x_strdup(text);

    (void)PQsetvalue(found, row, column, copy, (int)strlen(text));
    free(copy);
}

static PGresult *make_found(void)
{
    static const char *const names[] = {"tenant", "id", "attack", "result", "by", "to do"};
    PGresAttDesc columns[sizeof names / sizeof names[0]] = {{0}};
    PGresult *found = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        columns[i].name = (char *)(uintptr_t)names[i];
    }
    (void)PQsetResultAttrs(found, sizeof names / sizeof names[0], columns);
    return found;
}

static void find(struct verify *v, const char *id, const char *what, const char *result,
                 const char *by, const char *to_do)
{
    int row = PQntuples(v->found);

    set_value(v->found, row, 0, v->names.tenant);
    set_value(v->found, row, 1, id);
    set_value(v->found, row, 2, what);
    set_value(v->found, row, 3, result);
    set_value(v->found, row, 4, by);
    set_value(v->found, row, 5, to_do);
}

/* Is the word one of the list with commas? */
static bool is_allowed(const struct options *options, const char *id)
{
    size_t n = strlen(id);

    for (const char *p = options->allow; p != NULL && *p != '\0'; p += strspn(p, ",")) {
        size_t length = strcspn(p, ",");
        if (length == n && strncmp(p, id, n) == 0) {
            return true;
        }
        p += length;
    }
    return false;
}

static void count_open(struct verify *v, const char *id)
{
    v->open += is_allowed(v->options, id) ? 0 : 1;
}

/* ---- asking ---- */

static PGresult *ask(struct verify *v, const char *sql, const char *const *params, int count)
{
    PGresult *result = PQexecParams(v->conn, sql, count, NULL, params, NULL, NULL, 0);

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        PQclear(result);
        return NULL;
    }
    return result;
}

static void run(struct verify *v, const char *sql)
{
    PQclear(PQexec(v->conn, sql));
}

static void begin(struct verify *v)
{
    run(v, "BEGIN");
    run(v, "SET LOCAL statement_timeout = '10s'; SET LOCAL client_min_messages = error");
}

/* The last row of the last answer is t. */
static bool says_yes(struct verify *v, const char *sql)
{
    PGresult *result;
    bool yes = false;

    if (PQsendQuery(v->conn, sql) == 0) {
        return false;
    }
    while ((result = PQgetResult(v->conn)) != NULL) {
        int rows = PQntuples(result);
        yes = rows > 0 && strcmp(PQgetvalue(result, rows - 1, 0), "t") == 0;
        PQclear(result);
    }
    return yes;
}

static enum verdict try_probe(struct verify *v, const struct verify_probe *probe)
{
    struct buf sql = {0};
    enum verdict verdict = VERDICT_UNKNOWN;

    if (verify_fill(v->conn, &v->names, probe->sql, &sql)) {
        begin(v);
        verdict = says_yes(v, (const char *)buf_slice(&sql).p) ? VERDICT_OPEN : VERDICT_KEPT_OUT;
        run(v, "ROLLBACK");
    }
    buf_release(&sql);
    return verdict;
}

static enum verdict worse(enum verdict a, enum verdict b)
{
    return a > b ? a : b;
}

static enum verdict try_tables(struct verify *v, const struct verify_probe *probe)
{
    enum verdict verdict = VERDICT_UNKNOWN;

    for (int i = 0; v->tables.rows != NULL && i < PQntuples(v->tables.rows); i++) {
        v->names.table = PQgetvalue(v->tables.rows, i, TABLE_NAME);
        v->names.type = PQgetvalue(v->tables.rows, i, TABLE_TYPE);
        v->names.policy = PQgetisnull(v->tables.rows, i, TABLE_POLICY)
                              ? NULL
                              : PQgetvalue(v->tables.rows, i, TABLE_POLICY);
        verdict = worse(verdict, try_probe(v, probe));
    }
    v->names.table = v->names.type = v->names.policy = NULL;
    return verdict;
}

/* ---- one tenant ---- */

/* The warnings of the sensor, which is touched. */
static void drop_notice(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

static void find_tables(struct verify *v)
{
    static const char sql[] =
        "SELECT c.oid, format('%I.%I', n.nspname, c.relname), format_type(a.atttypid, NULL),"
        " (SELECT string_agg('(' || pg_get_expr(p.polqual, p.polrelid) || ')', ' OR ')"
        "  FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive"
        "  AND p.polcmd IN ('*', 'r') AND p.polqual IS NOT NULL) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a"
        "  ON a.attrelid = c.oid AND a.attname = $1::text AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'"
        "  AND n.nspname NOT IN ('fahrend', 'information_schema')"
        "  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')"
        " ORDER BY 2";
    const char *params[] = {v->names.config->rls.column};

    begin(v);
    run(v, "SET LOCAL search_path = pg_catalog, pg_temp");
    v->tables.rows = ask(v, sql, params, 1);
    run(v, "ROLLBACK");
    int count = v->tables.rows == NULL ? 0 : PQntuples(v->tables.rows);
    buf_append_u8(&v->tables.oids, '{');
    for (int i = 0; i < count; i++) {
        buf_printf(&v->tables.oids, "%s%s", i == 0 ? "" : ",",
                   PQgetvalue(v->tables.rows, i, TABLE_OID));
    }
    buf_printf(&v->tables.oids, "}");
    buf_append_u8(&v->tables.oids, 0);
}

/* Rows of object and warning, of one question to the catalogs. */
static PGresult *ask_trap(struct verify *v, const char *sql)
{
    const char *params[] = {v->names.config->rls.column, (const char *)buf_slice(&v->tables.oids).p,
                            NULL};

    begin(v);
    run(v, "SET LOCAL search_path = pg_catalog, pg_temp");
    PGresult *role = ask(v, "SELECT session_user", NULL, 0);
    params[2] = v->shared && role != NULL ? PQgetvalue(role, 0, 0) : NULL;
    PGresult *rows = ask(v, sql, params, 3);
    PQclear(role);
    run(v, "ROLLBACK");
    return rows;
}

static enum verdict try_trap(struct verify *v, size_t trap)
{
    PGresult *rows = ask_trap(v, rls_catalog_traps[trap]);
    enum verdict verdict = rows == NULL          ? VERDICT_UNKNOWN
                           : PQntuples(rows) > 0 ? VERDICT_OPEN
                                                 : VERDICT_KEPT_OUT;
    PQclear(rows);
    return verdict;
}

static enum verdict try_attack(struct verify *v, const char *id)
{
    enum strategy_kind strategy = v->names.config->strategy;
    enum verdict verdict = VERDICT_UNKNOWN;

    for (size_t i = 0; i < verify_probe_count; i++) {
        const struct verify_probe *probe = &verify_probes[i];
        if (strcmp(probe->attack, id) != 0 || (probe->strategies & (1U << strategy)) == 0) {
            continue;
        }
        verdict = worse(verdict, probe->shared && !v->shared ? VERDICT_KEPT_OUT
                                 : probe->each_table         ? try_tables(v, probe)
                                                             : try_probe(v, probe));
    }
    if (strategy == STRATEGY_RLS && strcmp(id, "B14") == 0) {
        verdict = worse(verdict, try_trap(v, RLS_TRAP_UNIQUE_KEYS));
    }
    if (strategy == STRATEGY_RLS && strcmp(id, "B15") == 0) {
        verdict = worse(verdict, try_trap(v, RLS_TRAP_VIEWS));
    }
    return verdict;
}

static enum attack_level level_of(const struct tenant_config *t, bool shared)
{
    switch (t->strategy) {
    case STRATEGY_RLS:
        return t->rls.seal ? LEVEL_RLS_SEALED : LEVEL_RLS_PLAIN;
    case STRATEGY_SCHEMA:
        return shared ? LEVEL_SCHEMA_SHARED : LEVEL_SCHEMA_TENANT;
    case STRATEGY_DATABASE:
        return LEVEL_DATABASE;
    case STRATEGY_NONE:
        break;
    }
    return LEVEL_CARELESS;
}

/* What fahrend's own tests found at the tenant's level. */
static enum verdict known(const struct verify *v, const struct attack *attack)
{
    const struct tenant_config *t = v->names.config;
    unsigned levels = LEVEL_BIT(level_of(t, v->shared));

    if (v->shared && t->reset == RESET_NEVER) {
        levels |= LEVEL_BIT(LEVEL_CARELESS);
    }
    return (attack->open & levels) != 0 ? VERDICT_OPEN : VERDICT_KEPT_OUT;
}

static void verify_attack(struct verify *v, const struct attack *attack)
{
    enum verdict tried = try_attack(v, attack->id);
    enum verdict verdict = tried == VERDICT_UNKNOWN ? known(v, attack) : tried;
    const char *how = tried == VERDICT_UNKNOWN ? "" : ", tried";
    char result[32];

    (void)snprintf(result, sizeof result, "%s%s", verdict == VERDICT_OPEN ? "open" : "kept out",
                   how);
    if (verdict == VERDICT_OPEN && !attack->lasting) {
        count_open(v, attack->id);
    }
    find(v, attack->id, attack->what, result, verdict == VERDICT_OPEN ? "" : attack->by,
         verdict == VERDICT_OPEN ? attack->advice : "");
}

/* Returns how many there are. */
static int tell_trap(struct verify *v, const char *sql, const char *result)
{
    PGresult *rows = ask_trap(v, sql);
    int count = rows == NULL ? 0 : PQntuples(rows);

    for (int i = 0; i < count; i++) {
        find(v, "trap", PQgetvalue(rows, i, 0), result, "", PQgetvalue(rows, i, 1));
    }
    PQclear(rows);
    return count;
}

/* What the catalogs tell beyond the attacks. Where tenants' tables are apart, that is only what
 * PUBLIC has of databases: it opens nothing of another tenant's by itself, so it is told and does
 * not fail. */
static void verify_traps(struct verify *v)
{
    if (v->names.config->strategy != STRATEGY_RLS) {
        (void)tell_trap(v, rls_catalog_open_databases, "told, in the catalogs");
        return;
    }
    for (size_t trap = 0; trap < rls_catalog_trap_count; trap++) {
        int count = tell_trap(v, rls_catalog_traps[trap], "open, in the catalogs");
        for (int i = 0; i < count; i++) {
            count_open(v, "trap");
        }
    }
}

static bool is_shared(const struct tenant_config *t)
{
    return t->login.kind == LOGIN_CLIENT ||
           (t->login.kind == LOGIN_FIXED && strchr(t->login.user, '{') == NULL);
}

static const char *another_tenant(const struct config *config, const char *tenant)
{
    for (size_t i = 0; i < config->tenant_count; i++) {
        if (strcmp(config->tenants[i].name, tenant) != 0) {
            return config->tenants[i].name;
        }
    }
    return NO_TENANT;
}

static int verify_tenant(struct verify *v, const char *tenant, struct err *err)
{
    const struct tenant_entry *named = config_tenant(v->config, slice_str(tenant));
    const struct tenant_config *t = named == NULL ? &v->config->defaults : named->config;

    v->conn = tenant_login(v->config, v->options, tenant, err);
    if (v->conn == NULL) {
        err_wrap(err, "tenant %s", tenant);
        return err->code;
    }
    (void)PQsetNoticeReceiver(v->conn, drop_notice, NULL);
    v->names = (struct verify_names){
        .config = t, .tenant = tenant, .other = another_tenant(v->config, tenant)};
    v->shared = is_shared(t);
    find_tables(v);
    for (size_t i = 0; i < attack_count; i++) {
        verify_attack(v, &attacks[i]);
    }
    verify_traps(v);
    PQclear(v->tables.rows);
    buf_release(&v->tables.oids);
    bool lost = PQstatus(v->conn) != CONNECTION_OK;
    PQfinish(v->conn);
    return lost ? err_set(err, ERR_CONNECTION, "tenant %s: the connection was lost", tenant) : 0;
}

/* ---- all of it ---- */

static int verify_tenants(struct verify *v, struct err *err)
{
    int rc = 0;

    if (v->options->tenant != NULL) {
        return verify_tenant(v, v->options->tenant, err);
    }
    for (size_t i = 0; i < v->config->tenant_count && rc == 0; i++) {
        rc = verify_tenant(v, v->config->tenants[i].name, err);
    }
    if (v->config->tenant_count == 0) {
        return err_set(err, ERR_CONFIG, "the file names no tenant: say which one to verify");
    }
    return rc;
}

int verify_run(const struct options *options, struct buf *out, struct buf *faults, struct err *err)
{
    struct config_faults problems = {0};
    struct verify v = {.options = options};
    const char *file = options->file == NULL ? CONFIG_DEFAULT_FILE : options->file;

    if (config_load(file, &v.config, &problems) < 0) {
        config_faults_print(&problems, faults);
        config_faults_fini(&problems);
        return err_set(err, ERR_CONFIG, "%s cannot be used", file);
    }
    config_faults_fini(&problems);
    v.found = make_found();
    int rc = verify_tenants(&v, err);
    if (rc == 0 && options->json) {
        print_json_rows(out, v.found);
    } else if (rc == 0) {
        print_table(out, v.found);
    }
    PQclear(v.found);
    config_unref(v.config);
    return rc < 0 ? rc : v.open;
}
