// SPDX-License-Identifier: MIT
//
// CREATE DATABASE cannot be part of a transaction, so that a comment cannot be made with it. Until
// it has one its owner shows whose it is: the tenant's own role, which has a comment. Behind the
// comment it is ours: an owner might let others in, or drop it.
#include "provision/tenant_objects.h"

#include <stdlib.h>
#include <string.h>

#include "provision/grants.h"
#include "provision/quote.h"

static void create_database(struct script *s, const struct tenant_spec *spec)
{
    struct name_values values = {.tenant = slice_str(spec->tenant)};
    char template[NAME_SIZE];
    struct buf sql = {0};

    if (script_failed(s) || name_expand(slice_str(spec->config->dedicated.template), &values,
                                        template, &s->report->err) < 0) {
        return;
    }
    buf_printf(&sql, "CREATE DATABASE ");
    quote_ident(&sql, spec->database);
    buf_printf(&sql, " WITH TEMPLATE ");
    quote_ident(&sql, template);
    buf_printf(&sql, " OWNER ");
    quote_ident(&sql, spec->role);
    buf_printf(&sql, " ALLOW_CONNECTIONS false");
    script_run(s, &sql);
}

bool tenant_database_is_begun(struct script *s, const struct tenant_spec *spec)
{
    char owner[NAME_SIZE] = "";

    return spec->owns_role &&
           script_ask_text(s,
                           "SELECT r.rolname FROM pg_catalog.pg_database d"
                           " JOIN pg_catalog.pg_roles r ON r.oid = d.datdba"
                           " WHERE d.datname = $1 AND NOT d.datallowconn",
                           spec->database, owner, sizeof owner) &&
           strcmp(owner, spec->role) == 0;
}

void tenant_database_make(struct script *s, const struct tenant_spec *spec)
{
    s->object = spec->database;
    switch (tenant_object_mark(s, OBJECT_DATABASE, spec->database, spec, NULL)) {
    case MARK_ABSENT:
        create_database(s, spec);
        return;
    case MARK_OURS:
        return;
    case MARK_FOREIGN:
        if (!script_failed(s) && !tenant_database_is_begun(s, spec)) {
            tenant_object_refuse(s, OBJECT_DATABASE, spec->database, spec);
        }
        return;
    }
}

static void run_on_database(struct script *s, const struct tenant_spec *spec, const char *before,
                            const char *behind)
{
    struct buf sql = {0};

    buf_printf(&sql, "%s DATABASE ", before);
    quote_ident(&sql, spec->database);
    buf_printf(&sql, " %s", behind);
    script_run(s, &sql);
}

void tenant_database_grant(struct script *s, const struct tenant_spec *spec)
{
    char *logins;
    struct buf to = {0};

    s->object = spec->database;
    if (tenant_object_mark(s, OBJECT_DATABASE, spec->database, spec, NULL) == MARK_OURS) {
        return;
    }
    logins = grants_logins(s, spec);
    buf_printf(&to, "TO %s", logins);
    buf_append_u8(&to, 0);
    run_on_database(s, spec, "ALTER", "OWNER TO CURRENT_USER");
    run_on_database(s, spec, "REVOKE ALL ON", "FROM PUBLIC");
    run_on_database(s, spec, "GRANT CONNECT, TEMPORARY ON", (const char *)buf_slice(&to).p);
    run_on_database(s, spec, "ALTER", "ALLOW_CONNECTIONS true");
    tenant_object_comment(s, OBJECT_DATABASE, spec->database, spec, true);
    buf_release(&to);
    free(logins);
}

void tenant_database_furnish(struct script *s, const struct tenant_spec *spec)
{
    bool unfinished = false;

    s->object = spec->database;
    enum tenant_mark mark =
        tenant_object_mark(s, OBJECT_DATABASE, spec->database, spec, &unfinished);
    if (mark == MARK_OURS && !unfinished) {
        return;
    }
    grants_write(s, spec, "public");
    tenant_object_comment(s, OBJECT_DATABASE, spec->database, spec, false);
}
