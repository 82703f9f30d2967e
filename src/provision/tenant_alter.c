// SPDX-License-Identifier: MIT
//
// ALTER TENANT, and what SUSPEND and RESUME TENANT keep: changes of the registry's row, and of
// nothing else; where the tenant's place changes, it is looked at. Under what names a tenant was
// made, and how, stays: its objects have these names.
#include "provision/tenant_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/overlay.h"
#include "provision/registry_table.h"
#include "provision/tenant_place.h"
#include "provision/workplace.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The key that may not change, or NULL. */
static const char *fixed_key(const struct tenant_config *a, const struct tenant_config *b)
{
    const struct {
        const char *key;
        bool same;
    } keys[] = {
        {"strategy", a->strategy == b->strategy},
        {"login", a->login.kind == b->login.kind},
        {"role", same_text(a->role, b->role)},
        {"owner", same_text(a->owner, b->owner)},
        {"schema.name", same_text(a->schema.name, b->schema.name)},
        {"dedicated.name", same_text(a->dedicated.name, b->dedicated.name)},
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!keys[i].same) {
            return keys[i].key;
        }
    }
    return NULL;
}

/* Do the options make a whole, leave what must stay, and lead where the tenant is? */
static void check_options(const struct tenant_request *request, const char *merged,
                          struct report *report)
{
    struct err *err = &report->err;
    const struct config *config = secrets_config(request->secrets);
    const struct overlay *overlay = overlay_build(config, slice_str(merged), err);

    if (overlay == NULL) {
        return;
    }
    const char *key = fixed_key(request->spec.config, overlay_tenant(overlay));
    if (key != NULL) {
        (void)err_set(err, ERR_WRONG_STATE, "%s cannot be changed: tenant \"%s\" was made with it",
                      key, request->spec.tenant);
        err_hint(err, "Make another tenant, move the data there, and DROP this one.");
    } else {
        tenant_place_check(request, overlay_tenant(overlay), report);
    }
    overlay_unref(overlay);
}

static void alter_row(const struct tenant_request *request, struct tenant_outcome *outcome,
                      PGconn *conn)
{
    struct err *err = &outcome->report.err;
    struct roster_record row;
    char *merged = NULL;

    /* Before the server hears of it, whose log may keep what is said to it. */
    if (overlay_check_keys(slice_str(request->options), err) < 0) {
        return;
    }
    if (registry_table_read(conn, request->spec.tenant, &row, err) < 0) {
        return;
    }
    if (row.gone || !row.made || row.state == TENANT_DROPPING) {
        (void)err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%s\" is not in the registry",
                      request->spec.tenant);
        err_hint(err, "ALTER TENANT changes tenants that CREATE TENANT made.");
    } else if (registry_table_merge(conn, row.options, request->options, &merged, err) == 0) {
        check_options(request, merged, &outcome->report);
    }
    if (err->code == 0 && request->dry) {
        char *text = x_printf("its options would be %s", merged);
        report_add(&outcome->report, REPORT_NOTE, request->spec.tenant, text);
        free(text);
    } else if (err->code == 0) {
        struct roster_record given = row;
        given.options = (char *)(uintptr_t)request->options;
        outcome->has_record = registry_table_update(conn, &given, &outcome->record, err) == 0;
    }
    free(merged);
    roster_record_fini(&row);
}

/* Begins work on the row alone; NULL where it cannot be reached. */
static PGconn *open_registry(struct workplace *w, const struct tenant_request *request,
                             struct tenant_outcome *outcome)
{
    *outcome = (struct tenant_outcome){.has_record = false};
    *w = (struct workplace){.request = request, .report = &outcome->report};
    workplace_lock(w);
    struct script s = workplace_registry(w, request->spec.tenant);
    if (report_failed(&outcome->report) ||
        registry_table_prepare(s.conn, &outcome->report.err) < 0) {
        return NULL;
    }
    return s.conn;
}

void tenant_alter(const struct tenant_request *request, struct tenant_outcome *outcome)
{
    struct workplace w;
    PGconn *conn = open_registry(&w, request, outcome);

    if (conn != NULL) {
        alter_row(request, outcome, conn);
    }
    workplace_close(&w);
}

/* A tenant of the file, or of the template, gets a row that has its state and nothing else. */
static void set_row_state(const struct tenant_request *request, struct tenant_outcome *outcome,
                          PGconn *conn)
{
    struct err *err = &outcome->report.err;
    struct roster_record given = {.state = request->state, .options = (char *)(uintptr_t) "{}"};
    struct roster_record row;
    bool inserted = false;

    memcpy(given.name, request->spec.tenant, strlen(request->spec.tenant) + 1);
    if (registry_table_insert(conn, &given, &row, &inserted, err) < 0) {
        return;
    }
    if (inserted) {
        outcome->record = row;
        outcome->has_record = true;
        return;
    }
    if (row.state == TENANT_CREATING || row.state == TENANT_DROPPING) {
        (void)err_set(err, ERR_WRONG_STATE, "tenant \"%s\" is half made or half removed",
                      request->spec.tenant);
        err_hint(err, "Repeat CREATE TENANT or DROP TENANT to finish that.");
    } else {
        given.made = row.made;
        outcome->has_record = registry_table_update(conn, &given, &outcome->record, err) == 0;
    }
    roster_record_fini(&row);
}

void tenant_set_state(const struct tenant_request *request, struct tenant_outcome *outcome)
{
    struct workplace w;
    PGconn *conn = open_registry(&w, request, outcome);

    if (conn != NULL) {
        set_row_state(request, outcome, conn);
    }
    workplace_close(&w);
}
