// SPDX-License-Identifier: MIT
#include "provision/tenant_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tenant/access.h"

static bool is_own(const char *pattern)
{
    return strstr(pattern, "{tenant}") != NULL;
}

static int expand(const struct tenant_spec *spec, const char *pattern, char out[NAME_SIZE],
                  struct err *err)
{
    struct name_values values = {.tenant = slice_str(spec->tenant)};

    return name_expand(slice_str(pattern), &values, out, err);
}

static int name_place(struct tenant_spec *spec, struct err *err)
{
    const struct tenant_config *c = spec->config;
    bool dedicated = c->strategy == STRATEGY_DATABASE;
    int rc = 0;

    if (dedicated || c->database != NULL) {
        rc = expand(spec, dedicated ? c->dedicated.name : c->database, spec->database, err);
    }
    if (rc == 0 && c->strategy == STRATEGY_SCHEMA) {
        if (spec->database[0] == '\0') {
            (void)err_set(err, ERR_INVALID_VALUE, "which database the schema is in is not said");
            err_hint(err, "Set database for the tenant, or in tenants.defaults.");
            return err->code;
        }
        rc = expand(spec, c->schema.name, spec->schema, err);
    }
    return rc;
}

static int name_roles(struct tenant_spec *spec, struct err *err)
{
    const struct tenant_config *c = spec->config;
    bool has_objects = c->strategy == STRATEGY_SCHEMA || c->strategy == STRATEGY_DATABASE;

    spec->logs_in = c->login.kind == LOGIN_TENANT;
    if (!has_objects && !spec->logs_in) {
        return 0;
    }
    int rc = expand(spec, c->role, spec->role, err);
    if (rc == 0) {
        rc = expand(spec, c->owner == NULL ? c->role : c->owner, spec->owner, err);
    }
    spec->owns_role = is_own(c->role);
    spec->owns_owner = c->owner != NULL && is_own(c->owner) && strcmp(spec->owner, spec->role) != 0;
    return rc;
}

/* Users that may enter log in themselves. */
static void name_users(struct tenant_spec *spec, const struct config *config)
{
    spec->logins = x_alloc((config->user_count + 1) * sizeof *spec->logins);
    for (size_t i = 0; i < config->user_count; i++) {
        const struct user_config *user = &config->users[i];
        if (access_allows(&user->tenants, slice_str(spec->tenant))) {
            spec->logins[spec->login_count++] = user->name;
        }
    }
}

static int name_logins(struct tenant_spec *spec, const struct config *config, struct err *err)
{
    switch (spec->config->login.kind) {
    case LOGIN_TENANT:
        return 0;
    case LOGIN_FIXED:
        spec->logins = x_alloc(sizeof *spec->logins);
        spec->logins[0] = spec->fixed_login;
        spec->login_count = 1;
        return expand(spec, spec->config->login.user, spec->fixed_login, err);
    case LOGIN_CLIENT:
        name_users(spec, config);
        break;
    }
    return 0;
}

int tenant_spec_init(struct tenant_spec *spec, const struct config *config, const char *tenant,
                     const struct tenant_config *tenant_config, struct err *err)
{
    *spec = (struct tenant_spec){.tenant = tenant, .config = tenant_config};
    int rc = name_place(spec, err);
    rc = rc < 0 ? rc : name_roles(spec, err);
    rc = rc < 0 ? rc : name_logins(spec, config, err);
    if (rc < 0) {
        tenant_spec_fini(spec);
    }
    return rc;
}

void tenant_spec_fini(struct tenant_spec *spec)
{
    free(spec->logins);
    spec->logins = NULL;
}

bool tenant_spec_has_objects(const struct tenant_spec *spec)
{
    return spec->role[0] != '\0';
}

void tenant_spec_mark(const struct tenant_spec *spec, char *out, size_t size)
{
    (void)snprintf(out, size, "fahrend tenant %s", spec->tenant);
}
