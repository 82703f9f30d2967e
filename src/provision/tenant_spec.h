// SPDX-License-Identifier: MIT
//
// tenant_spec: what must be in PostgreSQL for one tenant, by its configuration: names, who owns,
// who logs in. Pure. Who owns: the role that `owner` names, else the tenant's own role. Who logs
// in: the tenant's role (login: tenant), else the role that is configured, else every user that may
// enter the tenant. A name made of a pattern with {tenant} is this tenant's alone, made and removed
// with it; any other is shared, must be there, and stays.
#ifndef PROVISION_TENANT_SPEC_H
#define PROVISION_TENANT_SPEC_H

#include "config/config.h"
#include "tenant/name.h"

struct tenant_spec {
    const char *tenant;
    const struct tenant_config *config;
    char database[NAME_SIZE]; /* where the tenant's data is; "" where the client chooses */
    char schema[NAME_SIZE];   /* STRATEGY_SCHEMA, else "" */
    char role[NAME_SIZE];     /* "" where no role is the tenant's */
    char owner[NAME_SIZE];    /* of the schema, or of what is in the database; "" like role */
    bool owns_role;           /* role is this tenant's alone */
    bool owns_owner;          /* … and owner, which is not the role itself */
    bool logs_in;             /* the role logs in, with a password of the secret store */
    const char **logins;      /* other roles that log in for the tenant; they need not exist */
    size_t login_count;
    char fixed_login[NAME_SIZE]; /* what logins[0] points to for a login that is configured */
};

/* ERR_INVALID_VALUE where a name cannot be made. tenant and config must be kept. */
int tenant_spec_init(struct tenant_spec *spec, const struct config *config, const char *tenant,
                     const struct tenant_config *tenant_config, struct err *err);
void tenant_spec_fini(struct tenant_spec *spec);

/* Is there anything to be made on a server? */
bool tenant_spec_has_objects(const struct tenant_spec *spec);

/* What marks an object as made for the tenant: the text of its comment. */
void tenant_spec_mark(const struct tenant_spec *spec, char *out, size_t size);

#endif
