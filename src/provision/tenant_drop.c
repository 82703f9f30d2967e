// SPDX-License-Identifier: MIT
//
// DROP TENANT in two parts: the first makes sure that it may go and shuts it; then whoever runs
// this closes its clients; the second removes it. The lock of its name is held over both. What was
// removed is not brought back: after a failure the row says "dropping" until the same command has
// finished.
#include "provision/tenant_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "provision/quote.h"
#include "provision/registry_table.h"
#include "provision/role_password.h"
#include "provision/tenant_data.h"
#include "provision/tenant_objects.h"
#include "provision/workplace.h"

struct drop {
    struct workplace *place;
    const struct tenant_request *request;
    struct tenant_outcome *outcome;
    bool removed_something;
};

static struct err *err_of(struct drop *d)
{
    return &d->outcome->report.err;
}

static bool failed(const struct drop *d)
{
    return report_failed(&d->outcome->report);
}

static bool keeps_row(const struct drop *d)
{
    return d->request->registry.hosts != NULL;
}

/* ---- the row ---- */

static void keep_record(struct drop *d, struct roster_record *record)
{
    roster_record_fini(&d->outcome->record);
    d->outcome->record = *record;
    d->outcome->has_record = true;
}

static void set_state(struct drop *d, enum tenant_state state)
{
    struct script s = workplace_registry(d->place, d->request->spec.tenant);
    struct roster_record given = d->outcome->record;
    struct roster_record record;

    given.state = state;
    given.options = (char *)(uintptr_t) "{}";
    if (!failed(d) && registry_table_update(s.conn, &given, &record, err_of(d)) == 0) {
        keep_record(d, &record);
    }
}

/* A tenant of the file may have no row. */
static void read_row(struct drop *d)
{
    struct script s = workplace_registry(d->place, d->request->spec.tenant);
    struct roster_record row;

    if (failed(d) || registry_table_prepare(s.conn, err_of(d)) < 0 ||
        registry_table_read(s.conn, d->request->spec.tenant, &row, err_of(d)) < 0) {
        return;
    }
    if (row.gone && !d->request->known) {
        (void)err_set(err_of(d), ERR_UNKNOWN_TENANT, "tenant \"%s\" does not exist", row.name);
    } else if (!row.gone) {
        d->outcome->former = row.state;
        keep_record(d, &row);
        d->outcome->has_record = false; /* nothing is new yet */
    }
}

static void delete_row(struct drop *d)
{
    struct script s = workplace_registry(d->place, d->request->spec.tenant);
    struct roster_record record;

    if (!failed(d) &&
        registry_table_delete(s.conn, d->request->spec.tenant, &record, err_of(d)) == 0) {
        keep_record(d, &record);
    }
}

/* ---- what there is ---- */

static bool database_is_ours(struct drop *d, struct script *s)
{
    const struct tenant_spec *spec = &d->request->spec;

    switch (tenant_object_mark(s, OBJECT_DATABASE, spec->database, spec, NULL)) {
    case MARK_ABSENT:
        return false;
    case MARK_OURS:
        return true;
    case MARK_FOREIGN:
        break;
    }
    if (!script_failed(s) && !tenant_database_is_begun(s, spec)) {
        tenant_object_refuse(s, OBJECT_DATABASE, spec->database, spec);
    }
    return !script_failed(s);
}

static bool schema_is_ours(struct drop *d, struct script *s)
{
    const struct tenant_spec *spec = &d->request->spec;

    switch (tenant_object_mark(s, OBJECT_SCHEMA, spec->schema, spec, NULL)) {
    case MARK_ABSENT:
        return false;
    case MARK_OURS:
        return true;
    case MARK_FOREIGN:
        tenant_object_refuse(s, OBJECT_SCHEMA, spec->schema, spec);
        break;
    }
    return false;
}

static void look_for_data(struct drop *d)
{
    const struct tenant_spec *spec = &d->request->spec;

    if (d->request->admin.hosts == NULL || spec->database[0] == '\0') {
        return;
    }
    if (spec->config->strategy == STRATEGY_DATABASE) {
        struct script admin = workplace_admin(d->place, spec->database);
        if (failed(d) || !database_is_ours(d, &admin) || tenant_database_is_begun(&admin, spec)) {
            return;
        }
    }
    struct script s = workplace_database(d->place, spec->database, spec->database);
    if (spec->config->strategy == STRATEGY_SCHEMA && !schema_is_ours(d, &s)) {
        return;
    }
    tenant_data_refuse(&s, spec);
}

/* ---- removing ---- */

static void begin(struct script *s)
{
    if (!s->dry) {
        script_do(s, "BEGIN");
    }
}

static void commit(struct drop *d, struct script *s)
{
    if (!s->dry && !failed(d)) {
        script_do(s, "COMMIT");
        d->removed_something = d->removed_something || !failed(d);
    }
}

static void drop_named(struct script *s, const char *before, const char *name, const char *behind)
{
    struct buf sql = {0};

    s->object = name;
    buf_printf(&sql, "%s ", before);
    quote_ident(&sql, name);
    buf_printf(&sql, "%s", behind);
    script_run(s, &sql);
}

static void drop_schema(struct drop *d)
{
    const struct tenant_spec *spec = &d->request->spec;
    struct script s = workplace_database(d->place, spec->database, spec->schema);
    bool there = !failed(d) && schema_is_ours(d, &s);

    if (there) {
        tenant_data_drop_tables(&s, spec);
    }
    begin(&s);
    if (there) {
        drop_named(&s, "DROP SCHEMA", spec->schema, " CASCADE");
    }
    tenant_roles_disown(&s, spec);
    tenant_roles_drop(&s, spec);
    commit(d, &s);
}

static void drop_database(struct drop *d)
{
    const struct tenant_spec *spec = &d->request->spec;
    struct script s = workplace_admin(d->place, spec->database);

    if (!failed(d) && database_is_ours(d, &s)) {
        workplace_leave(d->place, spec->database);
        s = workplace_admin(d->place, spec->database);
        drop_named(&s, "DROP DATABASE", spec->database,
                   PQserverVersion(s.conn) >= 130000 ? " WITH (FORCE)" : "");
        d->removed_something = d->removed_something || !failed(d);
    }
    begin(&s);
    tenant_roles_disown(&s, spec);
    tenant_roles_drop(&s, spec);
    commit(d, &s);
}

/* Rows in tables that all share, and a role where the tenant has one. */
static void drop_rows(struct drop *d)
{
    const struct tenant_spec *spec = &d->request->spec;
    struct script s = spec->database[0] == '\0'
                          ? workplace_admin(d->place, spec->tenant)
                          : workplace_database(d->place, spec->database, spec->tenant);

    begin(&s);
    if (d->request->cascade && spec->database[0] != '\0' &&
        spec->config->strategy == STRATEGY_RLS) {
        tenant_data_delete_rows(&s, spec);
    }
    if (tenant_spec_has_objects(spec)) {
        tenant_roles_disown(&s, spec);
        tenant_roles_drop(&s, spec);
    }
    commit(d, &s);
}

static void drop_objects(struct drop *d)
{
    if (d->request->admin.hosts == NULL || failed(d)) {
        return;
    }
    switch (d->request->spec.config->strategy) {
    case STRATEGY_SCHEMA:
        drop_schema(d);
        return;
    case STRATEGY_DATABASE:
        drop_database(d);
        return;
    case STRATEGY_RLS:
    case STRATEGY_NONE:
        drop_rows(d);
        return;
    }
}

static void drop_password(struct drop *d)
{
    const struct tenant_spec *spec = &d->request->spec;
    struct store_key key = {.id = spec->role, .epoch = (uint32_t)spec->config->password_epoch};

    if (!failed(d) && !d->request->dry && spec->logs_in && spec->owns_role) {
        (void)role_password_delete(d->request->secrets, &key, err_of(d));
    }
}

/* ---- the two parts ---- */

void tenant_drop_begin(const struct tenant_request *request, struct tenant_outcome *outcome)
{
    struct drop d = {.request = request, .outcome = outcome};

    *outcome = (struct tenant_outcome){.former = TENANT_ACTIVE};
    outcome->held = d.place = x_zalloc(sizeof *d.place);
    *d.place = (struct workplace){.request = request, .report = &outcome->report};
    workplace_lock(d.place);
    if (keeps_row(&d)) {
        read_row(&d);
    }
    if (!request->cascade && !failed(&d)) {
        look_for_data(&d);
    }
    if (keeps_row(&d) && !request->dry && !failed(&d) && outcome->record.name[0] != '\0') {
        set_state(&d, TENANT_DROPPING);
    }
}

void tenant_drop_finish(const struct tenant_request *request, struct tenant_outcome *outcome)
{
    struct drop d = {.place = outcome->held, .request = request, .outcome = outcome};
    bool has_row = keeps_row(&d) && outcome->record.name[0] != '\0';

    if (!request->cascade && !failed(&d)) {
        look_for_data(&d);
    }
    drop_objects(&d);
    drop_password(&d);
    if (has_row && !request->dry && !failed(&d)) {
        delete_row(&d);
    }
    if (has_row && !request->dry && failed(&d) && !d.removed_something) {
        struct err kept = *err_of(&d);
        err_of(&d)->code = 0;
        set_state(&d, outcome->former);
        *err_of(&d) = kept;
    }
    if (request->in_file && !failed(&d)) {
        report_add(&outcome->report, REPORT_WARNING, request->spec.tenant,
                   "the configuration file still names the tenant");
    }
}
