// SPDX-License-Identifier: MIT
//
// act_rls: SETUP RLS. Which database, with which keys, is the configuration's to say: that of the
// tenants' defaults, or of the tenant that is named. The work runs in libuv's thread pool on a copy
// of the command and a reference to the realm, and answers with a row for each statement and each
// warning. A console that goes meanwhile is forgotten; the work is done all the same.
#include "admin/act.h"

#include <stdlib.h>
#include <string.h>

#include "admin/console.h"
#include "base/alloc.h"
#include "base/log.h"
#include "provision/rls_setup.h"
#include "provision/server_target.h"

struct job {
    uv_work_t work;
    struct console *console; /* NULL when it has gone */
    const struct realm *realm;
    struct command command;
    struct rls_request request; /* points into the realm, the command and what follows */
    char database[NAME_SIZE];
    struct server_target server;
    const char **tables; /* into command.tables */
    struct rls_outcome outcome;
};

/* ---- what is asked for ---- */

/* The settings of the tenant that was named, or of the defaults. */
static const struct tenant_config *find_tenant(const struct job *job,
                                               struct tenant_from_template *storage,
                                               struct err *err)
{
    if (!job->command.has_name) {
        return &realm_config(job->realm)->defaults;
    }
    const struct tenant *tenant = registry_find_or_template(realm_registry(job->realm),
                                                            slice_str(job->command.name), storage);
    if (tenant == NULL) {
        (void)err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%s\" does not exist", job->command.name);
        return NULL;
    }
    return tenant->config;
}

static int name_database(struct job *job, const struct tenant_config *tenant, struct err *err)
{
    struct name_values values = {.tenant = slice_str(job->command.name)};

    if (tenant->strategy != STRATEGY_RLS) {
        return err_set(err, ERR_WRONG_STATE, "row security is for the strategy rls");
    }
    if (tenant->database == NULL ||
        (!job->command.has_name && strchr(tenant->database, '{') != NULL)) {
        (void)err_set(err, ERR_CONFIG, "which database is not said");
        err_hint(err, "Name it in tenants.defaults.database, or say FOR TENANT name.");
        return err->code;
    }
    return name_expand(slice_str(tenant->database), &values, job->database, err);
}

/* Those of the command stand in place of those of the configuration. */
static void set_tables(struct job *job)
{
    size_t count = 0;

    if (job->command.tables[0] == '\0') {
        return;
    }
    for (const char *p = job->command.tables; (p = strchr(p, '\n')) != NULL; p++) {
        count++;
    }
    job->tables = x_alloc(count * sizeof *job->tables);
    char *at = job->command.tables;
    for (size_t i = 0; i < count; i++) {
        job->tables[i] = at;
        at += strcspn(at, "\n");
        *at++ = '\0';
    }
    job->request.tables = job->tables;
    job->request.table_count = count;
}

static int fill_request(struct job *job, struct err *err)
{
    const struct config *config = realm_config(job->realm);
    struct tenant_from_template storage;
    const struct tenant_config *tenant = find_tenant(job, &storage, err);

    if (tenant == NULL || name_database(job, tenant, err) < 0) {
        return err->code;
    }
    const struct server_config *server = config_server(config, tenant->server);
    int rc = server_target_init(&job->server, server, realm_secrets(job->realm), "SETUP RLS", err);
    if (rc < 0) {
        return rc;
    }
    rls_request_init(&job->request, &job->server.target, job->database, tenant,
                     realm_secrets(job->realm));
    set_tables(job);
    job->request.dry = job->command.dry;
    return 0;
}

/* ---- the work ---- */

static void free_job(struct job *job)
{
    rls_outcome_fini(&job->outcome);
    server_target_fini(&job->server);
    free(job->tables);
    realm_unref(job->realm);
    free(job);
}

static void forget(void *data)
{
    struct job *job = data;

    job->console = NULL;
}

static void work(uv_work_t *request)
{
    struct job *job = container_of(request, struct job, work);

    rls_setup(&job->request, &job->outcome);
}

static void answer(struct console *c, const struct rls_outcome *outcome)
{
    static const char *const kinds[] = {[RLS_STATEMENT] = "sql", [RLS_WARNING] = "warning"};

    console_end_job(c);
    if (outcome->err.code != 0) {
        console_fail(c, &outcome->err);
        return;
    }
    for (size_t i = 0; i < outcome->count; i++) {
        const struct rls_finding *finding = &outcome->findings[i];
        row_begin(&c->rows);
        row_text(&c->rows, kinds[finding->kind]);
        row_text(&c->rows, finding->object);
        row_text(&c->rows, finding->text);
        row_end(&c->rows);
    }
    console_done(c, "SETUP");
}

static void on_worked(uv_work_t *request, int status)
{
    struct job *job = container_of(request, struct job, work);

    if (status < 0) {
        (void)err_set(&job->outcome.err, ERR_INTERNAL, "setup rls: %s", uv_strerror(status));
    }
    log_info("row security set up database=%s dry=%d ok=%d", job->database, job->request.dry,
             job->outcome.err.code == 0);
    if (job->console != NULL) {
        answer(job->console, &job->outcome);
    }
    free_job(job);
}

void act_setup_rls(struct console *c, const struct command *command)
{
    struct job *job = x_zalloc(sizeof *job);
    struct err err = {0};

    job->console = c;
    job->realm = realm_ref(admin_realm(c->admin));
    job->command = *command;
    if (fill_request(job, &err) < 0) {
        free_job(job);
        console_fail(c, &err);
        return;
    }
    int rc = uv_queue_work(&c->admin->loop->uv, &job->work, work, on_worked);
    if (rc < 0) {
        (void)err_set(&err, ERR_INTERNAL, "setup rls: %s", uv_strerror(rc));
        free_job(job);
        console_fail(c, &err);
        return;
    }
    console_begin_job(c, job, forget);
}
