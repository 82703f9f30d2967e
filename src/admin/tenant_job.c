// SPDX-License-Identifier: MIT
#include "admin/tenant_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

struct tenant_job {
    uv_work_t work;
    struct admin *admin;
    const struct realm *realm;     /* a reference: the request points into it */
    const struct overlay *overlay; /* of the options that were given, or NULL */
    struct command command;
    struct tenant_request request;
    struct tenant_outcome outcome;
    tenant_job_work run;
    tenant_job_done done; /* NULL when forgotten */
    void *data;
    bool kept;
};

void tenant_job_free(struct tenant_job *job)
{
    tenant_outcome_fini(&job->outcome);
    tenant_spec_fini(&job->request.spec);
    server_target_fini(&job->request.admin);
    server_target_fini(&job->request.registry);
    overlay_unref(job->overlay);
    realm_unref(job->realm);
    free(job);
}

/* ---- what is asked for ---- */

static bool has_options(const struct tenant_job *job)
{
    return job->command.options[0] != '\0' && strcmp(job->command.options, "{}") != 0;
}

static int check_name(const struct tenant_job *job, struct err *err)
{
    const char *name = job->command.name;

    if (!name_valid(slice_str(name)) || strcmp(name, "defaults") == 0) {
        (void)err_set(err, ERR_INVALID_VALUE, "\"%s\" cannot be a tenant's name", name);
        err_hint(err,
                 "1 to %d letters, digits, _, . and -, the first neither . nor -; not "
                 "\"defaults\".",
                 LIMIT_NAME);
        return err->code;
    }
    return 0;
}

/* The tenant as it will be: as the file has it, as the options say, or as it is registered. */
static const struct tenant_config *choose_config(struct tenant_job *job, struct err *err)
{
    const struct config *config = realm_config(job->realm);
    struct slice name = slice_str(job->command.name);
    const struct tenant_entry *in_file = config_tenant(config, name);
    struct tenant known;

    job->request.in_file = in_file != NULL;
    job->request.known = registry_find(realm_registry(job->realm), name, &known) != NULL;
    if (in_file != NULL && has_options(job)) {
        (void)err_set(err, ERR_WRONG_STATE, "tenant \"%s\" is in the configuration file",
                      job->command.name);
        err_hint(err, "What the file says of a tenant is changed there.");
        return NULL;
    }
    if (in_file != NULL && (job->command.rotate || job->command.kind->argument != ARGUMENT_ALTER)) {
        return in_file->config;
    }
    if (in_file != NULL || (job->command.kind->argument == ARGUMENT_ALTER && !job->request.known)) {
        (void)err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%s\" is not in the registry",
                      job->command.name);
        return NULL;
    }
    if (has_options(job) && job->command.kind->argument == ARGUMENT_CREATE) {
        job->overlay = overlay_build(config, slice_str(job->command.options), err);
        return job->overlay == NULL ? NULL : overlay_tenant(job->overlay);
    }
    return job->request.known ? known.config : &config->defaults;
}

/* Where it is written down that there is such a tenant. */
static int find_registry(struct tenant_job *job, struct err *err)
{
    const struct config *config = realm_config(job->realm);
    const char *server = config->tenancy.registry.server;

    if (server == NULL) {
        if (job->request.in_file ||
            (config->tenancy.unknown == UNKNOWN_TEMPLATE && !has_options(job))) {
            return 0;
        }
        (void)err_set(err, ERR_WRONG_STATE, "there is no registry to keep tenant \"%s\" in",
                      job->command.name);
        err_hint(err, "Set tenancy.registry, or name the tenant in the configuration file.");
        return err->code;
    }
    int rc = server_target_init(&job->request.registry, config_server(config, server),
                                realm_secrets(job->realm), "the registry", err);
    job->request.registry.target.database = config->tenancy.registry.database;
    return rc;
}

/* Is there work on the tenant's server? What shares tables has rows there. */
static bool needs_server(const struct tenant_job *job)
{
    const struct tenant_spec *spec = &job->request.spec;
    const struct server_config *server =
        config_server(realm_config(job->realm), spec->config->server);

    bool sets_up = job->command.kind->argument == ARGUMENT_CREATE &&
                   spec->config->strategy == STRATEGY_RLS && spec->config->rls.setup == RLS_AUTO;

    return tenant_spec_has_objects(spec) || sets_up ||
           (job->command.kind->argument == ARGUMENT_DROP && spec->database[0] != '\0' &&
            spec->config->strategy == STRATEGY_RLS && server->admin.user != NULL);
}

/* Only the row is changed: what lies on a server is not asked. */
static int fill_row_request(struct tenant_job *job, const struct tenant_config *tenant,
                            struct err *err)
{
    job->request.spec = (struct tenant_spec){.tenant = job->command.name, .config = tenant};
    return find_registry(job, err);
}

static int fill_object_request(struct tenant_job *job, const struct tenant_config *tenant,
                               struct err *err)
{
    const struct config *config = realm_config(job->realm);
    struct tenant_request *request = &job->request;
    int rc = tenant_spec_init(&request->spec, config, job->command.name, tenant, err);

    rc = rc < 0 ? rc : find_registry(job, err);
    if (rc == 0 && needs_server(job)) {
        rc = server_target_init(&request->admin, config_server(config, tenant->server),
                                realm_secrets(job->realm), job->command.kind->words, err);
    }
    return rc;
}

static int fill_request(struct tenant_job *job, struct err *err)
{
    struct tenant_request *request = &job->request;
    enum command_argument argument = job->command.kind->argument;

    int rc = check_name(job, err);
    const struct tenant_config *tenant = rc < 0 ? NULL : choose_config(job, err);
    if (tenant == NULL) {
        return err->code;
    }
    rc = argument == ARGUMENT_CREATE || argument == ARGUMENT_DROP || job->command.rotate
             ? fill_object_request(job, tenant, err)
             : fill_row_request(job, tenant, err);
    request->secrets = realm_secrets(job->realm);
    request->options = job->command.options;
    request->dry = job->command.dry;
    request->cascade = job->command.cascade;
    return rc;
}

void tenant_job_set_state(struct tenant_job *job, enum tenant_state state)
{
    job->request.state = state;
}

struct tenant_job *tenant_job_new(struct admin *admin, const struct command *command,
                                  struct err *err)
{
    struct tenant_job *job = x_zalloc(sizeof *job);

    job->admin = admin;
    job->realm = realm_ref(admin_realm(admin));
    job->command = *command;
    if (fill_request(job, err) < 0) {
        tenant_job_free(job);
        return NULL;
    }
    return job;
}

/* ---- the work ---- */

static void work(uv_work_t *request)
{
    struct tenant_job *job = container_of(request, struct tenant_job, work);

    job->run(&job->request, &job->outcome);
}

static void on_worked(uv_work_t *request, int status)
{
    struct tenant_job *job = container_of(request, struct tenant_job, work);
    struct tenant_outcome *outcome = &job->outcome;

    struct log_origin origin = {.tenant = job->command.name};

    (void)status; /* is never cancelled */
    log_about(LOG_INFO, &origin, "%s dry=%d ok=%d%s%s", job->command.kind->words, job->command.dry,
              outcome->report.err.code == 0,
              outcome->report.err.code == 0 ? "" : " reason=", outcome->report.err.text);
    if (outcome->has_record) {
        job->admin->hooks.tenant_changed(job->admin->data, &outcome->record);
    }
    outcome->has_record = false;
    job->kept = false;
    if (job->done != NULL) {
        job->done(job->data, outcome);
    }
    if (!job->kept) {
        tenant_job_free(job);
    }
}

int tenant_job_start(struct tenant_job *job, tenant_job_work run, tenant_job_done done, void *data,
                     struct err *err)
{
    job->run = run;
    job->done = done;
    job->data = data;
    int rc = uv_queue_work(&job->admin->loop->uv, &job->work, work, on_worked);
    if (rc < 0) {
        (void)err_set(err, ERR_INTERNAL, "%s: %s", job->command.kind->words, uv_strerror(rc));
        tenant_job_free(job);
        return err->code;
    }
    return 0;
}

void tenant_job_keep(struct tenant_job *job)
{
    job->kept = true;
}

void tenant_job_forget(struct tenant_job *job)
{
    job->done = NULL;
}
