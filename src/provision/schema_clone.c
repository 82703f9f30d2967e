// SPDX-License-Identifier: MIT
//
// The statements are run in the order in which their objects were made. One that names what comes
// later (a view that was replaced) fails, is rolled back to where it began, and waits for the next
// round; a round in which nothing could be run ends it.
#include "provision/schema_clone.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "provision/quote.h"
#include "provision/schema_clone_sql.h"

enum { COLUMN_OBJECT, COLUMN_SQL, COLUMN_MAY_WAIT };

static void set_path(struct script *s, const char *schema)
{
    struct buf sql = {0};

    buf_printf(&sql, "SET LOCAL search_path = ");
    quote_ident(&sql, schema);
    buf_append_u8(&sql, 0);
    script_do(s, (const char *)buf_slice(&sql).p);
    buf_release(&sql);
}

static void set_role(struct script *s, const char *role)
{
    struct buf sql = {0};

    buf_printf(&sql, "SET LOCAL ROLE ");
    quote_ident(&sql, role);
    buf_append_u8(&sql, 0);
    script_do(s, (const char *)buf_slice(&sql).p);
    buf_release(&sql);
}

/* ---- may it be cloned? ---- */

static void check_model(struct script *s, const char *model)
{
    char name[NAME_SIZE];

    if (!script_ask_text(s, "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = $1", model,
                         name, sizeof name) &&
        !script_failed(s)) {
        (void)err_set(&s->report->err, ERR_CONFIG,
                      "schema.clone: there is no schema \"%s\" in that database", model);
    }
}

static void check_objects(struct script *s, const char *model)
{
    PGresult *odd = script_ask(s, schema_clone_refused, &model, 1);

    if (odd != NULL && PQntuples(odd) > 0) {
        (void)err_set(&s->report->err, ERR_UNSUPPORTED,
                      "schema.clone: %s of schema \"%s\" cannot be cloned: %s",
                      PQgetvalue(odd, 0, 0), model, PQgetvalue(odd, 0, 1));
        err_hint(&s->report->err, "Make it in schema.template, or take it out of the schema.");
    }
    PQclear(odd);
}

static void check_leftover(struct script *s, const char *model, const char *schema)
{
    const char *params[] = {model, schema};
    PGresult *left = s->dry ? NULL : script_ask(s, schema_clone_leftover, params, 2);

    if (left != NULL && PQntuples(left) > 0) {
        (void)err_set(&s->report->err, ERR_UNSUPPORTED,
                      "schema.clone: in the clone %s would depend on %s of schema \"%s\"",
                      PQgetvalue(left, 0, 0), PQgetvalue(left, 0, 1), model);
    }
    PQclear(left);
}

/* ---- the statements ---- */

static void run(struct script *s, const PGresult *all, int row)
{
    struct buf sql = {0};

    s->object = PQgetvalue(all, row, COLUMN_OBJECT);
    buf_printf(&sql, "%s", PQgetvalue(all, row, COLUMN_SQL));
    script_run(s, &sql);
}

/* Tries it. False where it failed, and so may have to wait for others: *why is kept aside. */
static bool try_to_run(struct script *s, const PGresult *all, int row, struct err *why)
{
    if (s->dry) {
        run(s, all, row);
        return true;
    }
    script_do(s, "SAVEPOINT clone");
    run(s, all, row);
    if (!script_failed(s)) {
        script_do(s, "RELEASE clone");
        return true;
    }
    *why = s->report->err;
    err_clear(&s->report->err);
    script_do(s, "ROLLBACK TO clone");
    return false;
}

/* One round over the objects that are not there yet. How many are still missing, and why the first
 * of them is. */
static int run_round(struct script *s, const PGresult *all, int count, bool *done, struct err *why)
{
    int missing = 0;

    for (int i = 0; i < count && !script_failed(s); i++) {
        struct err reason;
        if (!done[i] && !try_to_run(s, all, i, &reason)) {
            *why = missing == 0 ? reason : *why;
            missing++;
        } else {
            done[i] = true;
        }
    }
    return missing;
}

/* Until a round makes none. */
static void run_objects(struct script *s, const PGresult *all, int count)
{
    bool *done = x_zalloc((size_t)count + 1);
    int missing = count;
    int before;
    struct err why;

    do {
        before = missing;
        missing = run_round(s, all, count, done, &why);
    } while (missing > 0 && missing < before && !script_failed(s));
    if (missing > 0 && !script_failed(s)) {
        s->report->err = why;
    }
    free(done);
}

static void run_all(struct script *s, const PGresult *all)
{
    int objects = 0;

    while (objects < PQntuples(all) && PQgetvalue(all, objects, COLUMN_MAY_WAIT)[0] == 't') {
        objects++;
    }
    run_objects(s, all, objects);
    for (int i = objects; i < PQntuples(all) && !script_failed(s); i++) {
        run(s, all, i);
    }
}

void schema_clone(struct script *s, const struct tenant_spec *spec)
{
    const char *params[] = {spec->config->schema.clone, spec->schema};
    PGresult *all = NULL;

    check_model(s, params[0]);
    check_objects(s, params[0]);
    if (!script_failed(s)) {
        set_path(s, params[0]);
        all = script_ask(s, schema_clone_statements, params, 2);
    }
    if (all != NULL && !s->dry) {
        set_path(s, spec->schema);
        set_role(s, spec->owner);
        script_do(s, "SET LOCAL check_function_bodies = off");
    }
    if (all != NULL) {
        run_all(s, all);
    }
    s->object = spec->schema;
    if (!s->dry) {
        script_do(s, "RESET ROLE");
        script_do(s, "SET LOCAL check_function_bodies = on");
        script_do(s, "SET LOCAL search_path = pg_catalog");
    }
    check_leftover(s, params[0], spec->schema);
    PQclear(all);
}
