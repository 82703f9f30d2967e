// SPDX-License-Identifier: MIT
#include "provision/rls_setup.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "provision/rls_catalog.h"

/* A run under way. After the first error nothing more is done. */
struct setup {
    const struct rls_request *request;
    struct rls_outcome *outcome;
    PGconn *conn;
    struct buf chosen;    /* oids of the tables that were named, as "{1,2"; empty: all */
    struct buf protected; /* … that have been protected */
};

static bool failed(const struct setup *s)
{
    return s->outcome->err.code != 0;
}

static void find(struct setup *s, enum rls_finding_kind kind, const char *object, const char *text)
{
    struct rls_outcome *o = s->outcome;

    if ((o->count & (o->count - 1)) == 0) { /* room is doubled at each power of two */
        size_t cap = o->count == 0 ? 1 : 2 * o->count;
        o->findings = x_realloc(o->findings, cap * sizeof *o->findings);
    }
    o->findings[o->count++] =
        (struct rls_finding){.kind = kind, .object = x_strdup(object), .text = x_strdup(text)};
}

static PGresult *ask(struct setup *s, const char *sql, const char *const *params, int count)
{
    PGresult *result = NULL;

    if (!failed(s)) {
        (void)pgexec_query(s->conn, sql, params, count, &result, &s->outcome->err);
    }
    return result;
}

static void run(struct setup *s, const char *sql)
{
    PQclear(ask(s, sql, NULL, 0));
}

/* Runs one statement of the script and notes it. A dry run runs them too, and rolls back: so it
 * fails where the real one would. */
static void on_statement(void *data, const struct rls_statement *statement)
{
    struct setup *s = data;
    const char *sql = (const char *)statement->sql.p;

    PQclear(ask(s, sql, statement->params, statement->param_count));
    if (failed(s)) {
        err_wrap(&s->outcome->err, "%s", statement->object);
    } else {
        find(s, RLS_STATEMENT, statement->object, sql);
    }
}

static void add_oid(struct buf *oids, const char *oid)
{
    buf_printf(oids, "%s%s", buf_size(oids) == 0 ? "{" : ",", oid);
}

/* "{1,2}" with its terminator. */
static const char *close_oids(struct buf *oids)
{
    buf_printf(oids, buf_size(oids) == 0 ? "{}" : "}");
    buf_append_u8(oids, 0);
    return (const char *)buf_slice(oids).p;
}

/* The server reads the names; those without a schema are looked for in public. */
static void choose_tables(struct setup *s)
{
    run(s, "SET LOCAL search_path = public, pg_catalog, pg_temp");
    for (size_t i = 0; i < s->request->table_count && !failed(s); i++) {
        const char *name = s->request->tables[i];
        PGresult *result = ask(s, "SELECT pg_catalog.to_regclass($1)::oid", &name, 1);
        if (result != NULL && PQgetisnull(result, 0, 0)) {
            (void)err_set(&s->outcome->err, ERR_INVALID_VALUE, "table \"%s\" does not exist", name);
        } else if (result != NULL) {
            add_oid(&s->chosen, PQgetvalue(result, 0, 0));
        }
        PQclear(result);
    }
    run(s, "SET LOCAL search_path = pg_catalog, pg_temp");
}

/* ---- one table ---- */

static bool is_ours(const char *expression)
{
    return strncmp(expression, "fahrend.current_tenant()", 24) == 0 ||
           strncmp(expression, "(fahrend.current_tenant())", 26) == 0;
}

/* Whether the column's default may be set. */
static bool may_set_default(struct setup *s, const PGresult *tables, int row, const char *object)
{
    const char *given = PQgetvalue(tables, row, RLS_TABLE_DEFAULT);

    if (PQgetvalue(tables, row, RLS_TABLE_GENERATED)[0] == 't') {
        find(s, RLS_WARNING, object, "the tenant column is generated: it must give the tenant");
        return false;
    }
    if (given[0] != '\0' && !is_ours(given)) {
        char *text = x_printf("the default of the tenant column is kept: %s", given);
        find(s, RLS_WARNING, object, text);
        free(text);
        return false;
    }
    return true;
}

/* NULL with a warning where the table cannot be protected. */
static const char *check_table(struct setup *s, const PGresult *tables, int row, const char *object)
{
    const char *type = PQgetvalue(tables, row, RLS_TABLE_TYPE);
    const char *cast = rls_cast(type);

    if (PQgetvalue(tables, row, RLS_TABLE_KIND)[0] == 'f') {
        find(s, RLS_WARNING, object, "is a foreign table: it has no row security of its own");
        return NULL;
    }
    if (type[0] == '\0') {
        find(s, RLS_WARNING, object, "has no tenant column: every tenant sees all of it");
    } else if (cast == NULL) {
        find(s, RLS_WARNING, object,
             "its tenant column is neither text, uuid nor an integer: every tenant sees all of it");
    }
    return cast;
}

static void protect_table(struct setup *s, const PGresult *tables, int row)
{
    struct rls_table table = {
        .schema = PQgetvalue(tables, row, RLS_TABLE_SCHEMA),
        .name = PQgetvalue(tables, row, RLS_TABLE_NAME),
        .has_other_rules = strcmp(PQgetvalue(tables, row, RLS_TABLE_OTHERS), "0") != 0,
    };
    char *object = x_printf("%s.%s", table.schema, table.name);

    table.cast = check_table(s, tables, row, object);
    if (table.cast != NULL) {
        table.sets_default = may_set_default(s, tables, row, object);
        rls_sql_protect(&s->request->options, &table, on_statement, s);
        add_oid(&s->protected, PQgetvalue(tables, row, RLS_TABLE_OID));
    }
    free(object);
}

static void protect_tables(struct setup *s)
{
    bool all = s->request->table_count == 0;
    const char *params[] = {s->request->options.column, all ? NULL : close_oids(&s->chosen)};
    PGresult *tables = ask(s, rls_catalog_tables, params, 2);

    for (int row = 0; tables != NULL && row < PQntuples(tables) && !failed(s); row++) {
        if (!s->request->only_new || PQgetvalue(tables, row, RLS_TABLE_PROTECTED)[0] == 'f') {
            protect_table(s, tables, row);
        }
    }
    if (tables != NULL && PQntuples(tables) == 0) {
        find(s, RLS_WARNING, s->request->target.database, "no table has the tenant column");
    }
    PQclear(tables);
}

/* ---- traps ---- */

static void look_for_traps(struct setup *s)
{
    const char *params[] = {s->request->options.column, close_oids(&s->protected),
                            s->request->role};

    for (size_t i = 0; i < rls_catalog_trap_count && !failed(s); i++) {
        PGresult *traps = ask(s, rls_catalog_traps[i], params, 3);
        for (int row = 0; traps != NULL && row < PQntuples(traps); row++) {
            find(s, RLS_WARNING, PQgetvalue(traps, row, 0), PQgetvalue(traps, row, 1));
        }
        PQclear(traps);
    }
}

static bool is_installed(struct setup *s)
{
    PGresult *result =
        ask(s, "SELECT to_regprocedure('fahrend.current_tenant()') IS NOT NULL", NULL, 0);
    bool found = result != NULL && PQgetvalue(result, 0, 0)[0] == 't';

    PQclear(result);
    return found;
}

static const char *shared_role(const struct login_config *login)
{
    return login->kind == LOGIN_FIXED && strchr(login->user, '{') == NULL ? login->user : NULL;
}

void rls_request_init(struct rls_request *request, const struct pgexec_target *target,
                      const char *database, const struct tenant_config *tenant,
                      const struct secrets *secrets)
{
    const struct rls_config *rls = &tenant->rls;
    const char *key = secret_of(secrets, &rls->key);
    const char *spare = secret_of(secrets, &rls->spare_key);

    *request = (struct rls_request){
        .target = *target,
        .options = {.setting = rls->setting,
                    .column = rls->column,
                    .sealed = rls->seal,
                    .keys = {slice_str(key == NULL ? "" : key),
                             slice_str(spare == NULL ? "" : spare)}},
        .tables = rls->tables.items,
        .table_count = rls->tables.count,
        .role = shared_role(&tenant->login),
    };
    request->target.database = database;
}

static void set_up(struct setup *s)
{
    run(s, "BEGIN");
    choose_tables(s);
    if (!s->request->only_new || !is_installed(s)) {
        rls_sql_install(&s->request->options, on_statement, s);
    }
    protect_tables(s);
    look_for_traps(s);
    run(s, s->request->dry ? "ROLLBACK" : "COMMIT");
}

void rls_setup(const struct rls_request *request, struct rls_outcome *outcome)
{
    struct setup s = {.request = request, .outcome = outcome};

    *outcome = (struct rls_outcome){0};
    s.conn = pgexec_connect(&request->target, &outcome->err);
    if (s.conn == NULL) {
        return;
    }
    set_up(&s);
    PQfinish(s.conn);
    buf_release(&s.chosen);
    buf_release(&s.protected);
}

void rls_outcome_fini(struct rls_outcome *outcome)
{
    for (size_t i = 0; i < outcome->count; i++) {
        free(outcome->findings[i].object);
        free(outcome->findings[i].text);
    }
    free(outcome->findings);
}
