// SPDX-License-Identifier: MIT
//
// CREATE TENANT: take the name, claim the row, make what is missing, open the row. What lies in one
// database is made in one transaction: a crash leaves all of it or nothing. The roles and a
// database of the tenant's own are steps of their own before that.
#include "provision/tenant_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "provision/registry_table.h"
#include "provision/rls_setup.h"
#include "provision/role_password.h"
#include "provision/tenant_objects.h"
#include "provision/workplace.h"

struct make {
    struct workplace place;
    const struct tenant_request *request;
    struct tenant_outcome *outcome;
    uint32_t epoch;      /* of the role's password */
    char *verifier;      /* of the role's password; NULL for none */
    bool made_password;  /* … and by this very command, in the store */
    bool fresh;          /* the row is of this very command */
    bool made_something; /* something was committed on a server */
};

static struct err *err_of(struct make *m)
{
    return &m->outcome->report.err;
}

static bool failed(const struct make *m)
{
    return report_failed(&m->outcome->report);
}

/* ---- the row ---- */

static void keep_record(struct make *m, struct roster_record *record)
{
    roster_record_fini(&m->outcome->record);
    m->outcome->record = *record;
    m->outcome->has_record = true;
}

static void refuse_other(struct make *m, const struct roster_record *row)
{
    (void)err_set(err_of(m), ERR_WRONG_STATE,
                  row->state == TENANT_CREATING ? "tenant \"%s\" was begun with other options: %s"
                                                : "tenant \"%s\" exists, with other options: %s",
                  row->name, row->options);
    err_hint(err_of(m), row->state == TENANT_CREATING
                            ? "Repeat the same command to finish it, or DROP TENANT."
                            : "ALTER TENANT changes them.");
}

/* May this command go on with the row that is there? */
static void check_row(struct make *m, PGconn *conn, const struct roster_record *row)
{
    char *given = NULL;

    if (row->state == TENANT_DROPPING) {
        (void)err_set(err_of(m), ERR_WRONG_STATE, "tenant \"%s\" is being removed", row->name);
        err_hint(err_of(m), "Repeat DROP TENANT to finish that.");
        return;
    }
    if (row->made && !m->request->in_file &&
        registry_table_repeat(conn, row->options, m->request->options, &given, &m->epoch,
                              err_of(m)) == 0 &&
        strcmp(m->request->options, "{}") != 0 && strcmp(given, row->options) != 0) {
        refuse_other(m, row);
    }
    free(given);
}

/* A row that only kept the state of a tenant becomes the tenant's. */
static void adopt_row(struct make *m, PGconn *conn, struct roster_record *row)
{
    struct roster_record given = {
        .state = row->state, .made = true, .options = (char *)(uintptr_t)m->request->options};
    struct roster_record record;

    memcpy(given.name, row->name, sizeof given.name);
    if (registry_table_update(conn, &given, &record, err_of(m)) == 0) {
        roster_record_fini(row);
        keep_record(m, &record);
    }
}

static void claim_row(struct make *m)
{
    struct script s = workplace_registry(&m->place, m->request->spec.tenant);
    struct roster_record given = {.state = TENANT_CREATING,
                                  .made = !m->request->in_file,
                                  .options = (char *)(uintptr_t)m->request->options};
    struct roster_record row;

    memcpy(given.name, m->request->spec.tenant, strlen(m->request->spec.tenant) + 1);
    if (failed(m) || registry_table_insert(s.conn, &given, &row, &m->fresh, err_of(m)) < 0) {
        return;
    }
    if (!m->fresh) {
        check_row(m, s.conn, &row);
    }
    if (failed(m)) {
        roster_record_fini(&row);
    } else if (!row.made && given.made) {
        adopt_row(m, s.conn, &row);
    } else {
        keep_record(m, &row);
    }
}

/* Everything is there: clients may come. */
static void open_row(struct make *m)
{
    struct script s = workplace_registry(&m->place, m->request->spec.tenant);
    struct roster_record given = m->outcome->record;
    struct roster_record record;

    if (failed(m) || given.state != TENANT_CREATING) {
        return;
    }
    given.state = TENANT_ACTIVE;
    given.options = (char *)(uintptr_t) "{}";
    if (registry_table_update(s.conn, &given, &record, err_of(m)) == 0) {
        keep_record(m, &record);
    }
}

/* Nothing came of it: the row goes, and the error is kept. */
static void take_back(struct make *m)
{
    struct report aside = {.count = 0};
    struct roster_record record;

    m->place.report = &aside;
    struct script s = workplace_registry(&m->place, m->request->spec.tenant);
    if (!report_failed(&aside) &&
        registry_table_delete(s.conn, m->request->spec.tenant, &record, &aside.err) == 0) {
        keep_record(m, &record);
    }
    report_fini(&aside);
}

/* Nor does the password stay, which no role has. */
static void take_password_back(const struct make *m)
{
    const struct store_key key = {.id = m->request->spec.role, .epoch = m->epoch};
    struct err err = {0};

    if (role_password_delete(m->request->secrets, &key, &err) < 0) {
        log_warning("a password that no role has may be left in the store role=%s reason=\"%s\"",
                    key.id, err.text);
    }
}

/* ---- the objects ---- */

/* The server gets what it keeps of a password, never the password. */
static void make_verifier(struct make *m)
{
    const struct tenant_spec *spec = &m->request->spec;
    char *password = NULL;
    struct store_key key = {.id = spec->role, .epoch = m->epoch};

    if (failed(m) || m->request->dry || !spec->logs_in || !spec->owns_role ||
        role_password_ensure(m->request->secrets, &key, &password, &m->made_password, err_of(m)) <
            0 ||
        password == NULL) {
        return;
    }
    m->verifier = role_password_verifier(password);
    secure_free(password);
}

static void begin(struct script *s)
{
    if (!s->dry) {
        script_do(s, "BEGIN");
    }
}

static void commit(struct make *m, struct script *s)
{
    if (!s->dry && !failed(m)) {
        script_do(s, "COMMIT");
        m->made_something = m->made_something || !failed(m);
    }
}

static void make_schema(struct make *m)
{
    const struct tenant_spec *spec = &m->request->spec;
    struct script s = workplace_database(&m->place, spec->database, spec->schema);

    begin(&s);
    tenant_roles_make(&s, spec, m->verifier);
    tenant_role_let_in(&s, spec);
    tenant_schema_make(&s, spec);
    commit(m, &s);
}

static void make_roles(struct make *m)
{
    struct script s = workplace_admin(&m->place, m->request->spec.role);

    begin(&s);
    tenant_roles_make(&s, &m->request->spec, m->verifier);
    commit(m, &s);
}

/* A role of its own, and the way into the database that all share. */
static void make_shared_role(struct make *m)
{
    const struct tenant_spec *spec = &m->request->spec;
    struct script s = spec->database[0] == '\0'
                          ? workplace_admin(&m->place, spec->role)
                          : workplace_database(&m->place, spec->database, spec->role);

    begin(&s);
    tenant_roles_make(&s, spec, m->verifier);
    tenant_role_let_in(&s, spec);
    commit(m, &s);
}

/* In a dry run the database is not there: what would be done in it is asked elsewhere. */
static void furnish_database(struct make *m)
{
    const struct tenant_spec *spec = &m->request->spec;
    struct script s = m->request->dry
                          ? workplace_admin(&m->place, spec->database)
                          : workplace_database(&m->place, spec->database, spec->database);

    begin(&s);
    tenant_database_furnish(&s, spec);
    commit(m, &s);
}

static void make_database(struct make *m)
{
    const struct tenant_spec *spec = &m->request->spec;

    make_roles(m);
    struct script s = workplace_admin(&m->place, spec->database);
    tenant_database_make(&s, spec);
    begin(&s);
    tenant_database_grant(&s, spec);
    commit(m, &s);
    furnish_database(m);
}

/* rls.setup: auto. The first tenant of a database brings the policies, and each later one those of
 * tables that came meanwhile; warnings are SETUP RLS's to tell. */
static void set_up_rows(struct make *m)
{
    const struct tenant_request *request = m->request;
    const struct tenant_spec *spec = &request->spec;
    struct rls_request rls;
    struct rls_outcome outcome;

    if (failed(m) || spec->config->strategy != STRATEGY_RLS ||
        spec->config->rls.setup != RLS_AUTO || request->admin.hosts == NULL ||
        spec->database[0] == '\0') {
        return;
    }
    rls_request_init(&rls, &request->admin.target, spec->database, spec->config, request->secrets);
    rls.dry = request->dry;
    rls.only_new = true;
    rls_setup(&rls, &outcome);
    for (size_t i = 0; i < outcome.count; i++) {
        if (outcome.findings[i].kind == RLS_STATEMENT) {
            report_add(&m->outcome->report, REPORT_SQL, outcome.findings[i].object,
                       outcome.findings[i].text);
        }
    }
    if (outcome.err.code != 0) {
        *err_of(m) = outcome.err;
        err_wrap(err_of(m), "row security");
    }
    rls_outcome_fini(&outcome);
}

static void make_objects(struct make *m)
{
    make_verifier(m);
    switch (m->request->spec.config->strategy) {
    case STRATEGY_SCHEMA:
        make_schema(m);
        return;
    case STRATEGY_DATABASE:
        make_database(m);
        return;
    case STRATEGY_RLS:
    case STRATEGY_NONE:
        make_shared_role(m);
        return;
    }
}

void tenant_make(const struct tenant_request *request, struct tenant_outcome *outcome)
{
    struct make m = {.request = request, .outcome = outcome};
    bool keeps_row = request->registry.hosts != NULL && !request->dry;

    *outcome = (struct tenant_outcome){.has_record = false};
    m.epoch = (uint32_t)request->spec.config->password_epoch;
    m.place = (struct workplace){.request = request, .report = &outcome->report};
    workplace_lock(&m.place);
    if (keeps_row) {
        struct script s = workplace_registry(&m.place, request->spec.tenant);
        if (!failed(&m)) {
            (void)registry_table_prepare(s.conn, err_of(&m));
        }
        claim_row(&m);
    }
    if (tenant_spec_has_objects(&request->spec)) {
        make_objects(&m);
    }
    set_up_rows(&m);
    if (keeps_row && !failed(&m)) {
        open_row(&m);
    } else if (keeps_row && m.fresh && !m.made_something) {
        take_back(&m);
    }
    if (failed(&m) && m.made_password && !m.made_something) {
        take_password_back(&m);
    }
    workplace_close(&m.place);
    secure_free(m.verifier);
}

void tenant_outcome_fini(struct tenant_outcome *outcome)
{
    if (outcome->held != NULL) {
        workplace_close(outcome->held);
        free(outcome->held);
    }
    report_fini(&outcome->report);
    roster_record_fini(&outcome->record);
}
