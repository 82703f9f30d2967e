// SPDX-License-Identifier: MIT
#include "provision/tenant_role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "provision/quote.h"

#define UNFINISHED ", unfinished"

enum { MARK_SIZE = 128 };

static const struct object_kind {
    const char *word;     /* as SQL has it */
    const char *question; /* $1 its name; one row with the comment where it exists */
} kinds[] = {
    [OBJECT_ROLE] = {"ROLE", "SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_authid'), '')"
                             " FROM pg_catalog.pg_roles WHERE rolname = $1"},
    [OBJECT_SCHEMA] = {"SCHEMA",
                       "SELECT coalesce(pg_catalog.obj_description(oid, 'pg_namespace'), '')"
                       " FROM pg_catalog.pg_namespace WHERE nspname = $1"},
    [OBJECT_DATABASE] = {"DATABASE",
                         "SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '')"
                         " FROM pg_catalog.pg_database WHERE datname = $1"},
};

enum tenant_mark tenant_object_mark(struct script *s, enum tenant_object kind, const char *name,
                                    const struct tenant_spec *spec, bool *unfinished)
{
    char mark[MARK_SIZE];
    char comment[MARK_SIZE];

    if (!script_ask_text(s, kinds[kind].question, name, comment, sizeof comment)) {
        return script_failed(s) ? MARK_FOREIGN : MARK_ABSENT;
    }
    tenant_spec_mark(spec, mark, sizeof mark);
    size_t n = strlen(mark);
    bool half = strncmp(comment, mark, n) == 0 && strcmp(comment + n, UNFINISHED) == 0;
    if (unfinished != NULL) {
        *unfinished = half;
    }
    return half || strcmp(comment, mark) == 0 ? MARK_OURS : MARK_FOREIGN;
}

void tenant_object_refuse(struct script *s, enum tenant_object kind, const char *name,
                          const struct tenant_spec *spec)
{
    char mark[MARK_SIZE];
    struct err *err = &s->report->err;

    if (script_failed(s)) {
        return;
    }
    tenant_spec_mark(spec, mark, sizeof mark);
    (void)err_set(err, ERR_WRONG_STATE, "%s \"%s\" is there and was not made for tenant \"%s\"",
                  kinds[kind].word, name, spec->tenant);
    err_hint(err, "To hand it to the tenant: COMMENT ON %s \"%s\" IS '%s'", kinds[kind].word, name,
             mark);
}

void tenant_object_comment(struct script *s, enum tenant_object kind, const char *name,
                           const struct tenant_spec *spec, bool unfinished)
{
    char mark[MARK_SIZE];
    struct buf sql = {0};

    tenant_spec_mark(spec, mark, sizeof mark);
    strcat(mark, unfinished ? UNFINISHED : "");
    buf_printf(&sql, "COMMENT ON %s ", kinds[kind].word);
    quote_ident(&sql, name);
    buf_printf(&sql, " IS ");
    quote_literal(&sql, mark);
    script_run(s, &sql);
}

/* ---- making ---- */

/* A role that is no superuser makes objects for others only as a member of them. */
static void join_role(struct script *s, const char *role)
{
    char answer[8] = "";
    struct buf sql = {0};

    if (!script_ask_text(s,
                         "SELECT 1 WHERE NOT pg_catalog.pg_has_role(current_user,"
                         " $1::name, 'USAGE')",
                         role, answer, sizeof answer)) {
        return;
    }
    buf_printf(&sql, "GRANT ");
    quote_ident(&sql, role);
    buf_printf(&sql, " TO CURRENT_USER");
    script_run(s, &sql);
}

static void write_role(struct buf *sql, const char *verb, const char *role, bool logs_in)
{
    buf_printf(sql, "%s ROLE ", verb);
    quote_ident(sql, role);
    buf_printf(sql, logs_in ? " LOGIN" : " NOLOGIN");
}

/* The report shows that there is a password, and nothing of it. */
static void set_role(struct script *s, const char *verb, const char *role, bool logs_in,
                     const char *verifier)
{
    struct buf sql = {0};
    struct buf shown = {0};

    write_role(&sql, verb, role, logs_in);
    write_role(&shown, verb, role, logs_in);
    if (verifier != NULL) {
        buf_printf(&sql, " PASSWORD ");
        quote_literal(&sql, verifier);
        buf_printf(&shown, " PASSWORD 'SCRAM-SHA-256$...'");
    }
    buf_append_u8(&shown, 0);
    script_run_shown(s, &sql, (const char *)buf_slice(&shown).p);
    buf_release(&shown);
}

static void make_role(struct script *s, const struct tenant_spec *spec, const char *role,
                      bool logs_in, const char *verifier)
{
    switch (tenant_object_mark(s, OBJECT_ROLE, role, spec, NULL)) {
    case MARK_ABSENT:
        set_role(s, "CREATE", role, logs_in, verifier);
        tenant_object_comment(s, OBJECT_ROLE, role, spec, false);
        if (!s->dry) {
            join_role(s, role);
        }
        return;
    case MARK_OURS:
        if (logs_in) {
            set_role(s, "ALTER", role, logs_in, verifier);
        }
        return;
    case MARK_FOREIGN:
        tenant_object_refuse(s, OBJECT_ROLE, role, spec);
        return;
    }
}

/* A shared role is the operator's to make. */
static void need_role(struct script *s, const char *role)
{
    char comment[MARK_SIZE];

    if (!script_ask_text(s, kinds[OBJECT_ROLE].question, role, comment, sizeof comment) &&
        !script_failed(s)) {
        (void)err_set(&s->report->err, ERR_WRONG_STATE,
                      "role \"%s\" does not exist; its name has no {tenant}, so it is not made",
                      role);
    }
}

void tenant_roles_make(struct script *s, const struct tenant_spec *spec, const char *verifier)
{
    s->object = spec->role;
    if (spec->owns_role) {
        make_role(s, spec, spec->role, spec->logs_in, verifier);
    } else {
        need_role(s, spec->role);
    }
    s->object = spec->owner;
    if (spec->owns_owner) {
        make_role(s, spec, spec->owner, false, NULL);
    } else if (strcmp(spec->owner, spec->role) != 0) {
        need_role(s, spec->owner);
    }
}

void tenant_role_let_in(struct script *s, const struct tenant_spec *spec)
{
    static const char question[] =
        "SELECT pg_catalog.current_database() FROM pg_catalog.pg_roles r WHERE r.rolname = $1"
        " AND NOT pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(),"
        " 'CONNECT')";
    char database[NAME_SIZE];
    struct buf sql = {0};

    if (!spec->logs_in || !spec->owns_role ||
        !script_ask_text(s, question, spec->role, database, sizeof database)) {
        return;
    }
    s->object = database;
    if (!s->dry) { /* two at once would write one row of the catalog */
        script_do(s, "SELECT pg_catalog.pg_advisory_xact_lock("
                     "pg_catalog.hashtextextended('fahrend connect', 0))");
    }
    buf_printf(&sql, "GRANT CONNECT ON DATABASE ");
    quote_ident(&sql, database);
    buf_printf(&sql, " TO ");
    quote_ident(&sql, spec->role);
    script_run(s, &sql);
    s->object = spec->role;
}

void tenant_role_set_password(struct script *s, const struct tenant_spec *spec,
                              const char *verifier)
{
    s->object = spec->role;
    switch (tenant_object_mark(s, OBJECT_ROLE, spec->role, spec, NULL)) {
    case MARK_ABSENT:
        (void)err_set(&s->report->err, ERR_WRONG_STATE, "role \"%s\" does not exist", spec->role);
        return;
    case MARK_OURS:
        set_role(s, "ALTER", spec->role, true, verifier);
        return;
    case MARK_FOREIGN:
        tenant_object_refuse(s, OBJECT_ROLE, spec->role, spec);
        return;
    }
}

/* ---- removing ---- */

static bool is_ours(struct script *s, const struct tenant_spec *spec, const char *role)
{
    switch (tenant_object_mark(s, OBJECT_ROLE, role, spec, NULL)) {
    case MARK_ABSENT:
        return false;
    case MARK_OURS:
        return true;
    case MARK_FOREIGN:
        tenant_object_refuse(s, OBJECT_ROLE, role, spec);
        break;
    }
    return false;
}

static void run_for_role(struct script *s, const struct tenant_spec *spec, const char *role,
                         const char *verb)
{
    struct buf sql = {0};

    s->object = role;
    if (is_ours(s, spec, role)) {
        buf_printf(&sql, "%s ", verb);
        quote_ident(&sql, role);
        script_run(s, &sql);
    }
}

static void run_for_roles(struct script *s, const struct tenant_spec *spec, const char *verb)
{
    if (spec->owns_role) {
        run_for_role(s, spec, spec->role, verb);
    }
    if (spec->owns_owner) {
        run_for_role(s, spec, spec->owner, verb);
    }
}

void tenant_roles_disown(struct script *s, const struct tenant_spec *spec)
{
    run_for_roles(s, spec, "DROP OWNED BY");
}

void tenant_roles_drop(struct script *s, const struct tenant_spec *spec)
{
    run_for_roles(s, spec, "DROP ROLE");
}

/* ---- who logs in ---- */

char *tenant_logins(struct script *s, const struct tenant_spec *spec)
{
    struct buf names = {0};
    char *list = NULL;

    buf_append_u8(&names, '{');
    for (size_t i = 0; i < spec->login_count; i++) {
        buf_printf(&names, "%s\"", i == 0 ? "" : ",");
        for (const char *p = spec->logins[i]; *p != '\0'; p++) {
            if (*p == '"' || *p == '\\') {
                buf_append_u8(&names, '\\');
            }
            buf_append_u8(&names, (uint8_t)*p);
        }
        buf_append_u8(&names, '"');
    }
    buf_append_u8(&names, '}');
    buf_append_u8(&names, 0);
    const char *param = (const char *)buf_slice(&names).p;
    PGresult *result = script_ask(s,
                                  "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(rolname),"
                                  " ', ' ORDER BY rolname) FROM pg_catalog.pg_roles"
                                  " WHERE rolname = ANY ($1::text[]) AND NOT rolsuper",
                                  &param, 1);
    if (result != NULL && !PQgetisnull(result, 0, 0)) {
        list = x_strdup(PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    buf_release(&names);
    return list;
}
