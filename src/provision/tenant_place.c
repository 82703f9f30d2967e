// SPDX-License-Identifier: MIT
#include "provision/tenant_place.h"

#include <string.h>

#include "provision/tenant_role.h"
#include "provision/workplace.h"

static bool same_place(const struct tenant_config *a, const struct tenant_config *b)
{
    bool same_database =
        a->database == b->database ||
        (a->database != NULL && b->database != NULL && strcmp(a->database, b->database) == 0);

    return strcmp(a->server, b->server) == 0 && same_database;
}

/* Fails where there is none of this name; "" is not needed. */
static void need(struct script s, enum tenant_object kind, const char *name,
                 const struct tenant_spec *spec)
{
    static const char *const words[] = {
        [OBJECT_ROLE] = "role", [OBJECT_SCHEMA] = "schema", [OBJECT_DATABASE] = "database"};

    if (name[0] == '\0' || script_failed(&s) ||
        tenant_object_mark(&s, kind, name, spec, NULL) != MARK_ABSENT) {
        return;
    }
    (void)err_set(&s.report->err, ERR_WRONG_STATE,
                  "%s \"%s\" is not there on server \"%s\": nothing is changed", words[kind], name,
                  spec->config->server);
    err_hint(&s.report->err, "Copy tenant \"%s\" there first, with its role.", spec->tenant);
}

static void look(struct workplace *w)
{
    const struct tenant_spec *spec = &w->request->spec;
    const char *server = spec->config->server;

    need(workplace_admin(w, server), OBJECT_ROLE, spec->role, spec);
    need(workplace_admin(w, server), OBJECT_ROLE, spec->owner, spec);
    need(workplace_admin(w, server), OBJECT_DATABASE, spec->database, spec);
    if (spec->schema[0] != '\0') {
        need(workplace_database(w, spec->database, server), OBJECT_SCHEMA, spec->schema, spec);
    }
}

void tenant_place_check(const struct tenant_request *request, const struct tenant_config *config,
                        struct report *report)
{
    const struct config *all = secrets_config(request->secrets);
    const struct server_config *server = config_server(all, config->server);
    struct tenant_request there = {.secrets = request->secrets};
    struct workplace w = {.request = &there, .report = report};

    if (same_place(config, request->spec.config)) {
        return;
    }
    if (server->admin.user == NULL) {
        report_add(report, REPORT_NOTE, config->server,
                   "has no admin, and so was not asked whether the tenant is there");
        return;
    }
    if (tenant_spec_init(&there.spec, all, request->spec.tenant, config, &report->err) == 0 &&
        server_target_init(&there.admin, server, request->secrets, "ALTER TENANT", &report->err) ==
            0) {
        look(&w);
    }
    workplace_close(&w);
    server_target_fini(&there.admin);
    tenant_spec_fini(&there.spec);
}
