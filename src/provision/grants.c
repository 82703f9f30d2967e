// SPDX-License-Identifier: MIT
#include "provision/grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "provision/quote.h"

/* The tenant's role where it does not own, and the logins; NULL for nobody. */
static char *list_users(struct script *s, const struct tenant_spec *spec)
{
    char *logins = tenant_logins(s, spec);
    struct buf list = {0};

    if (strcmp(spec->role, spec->owner) != 0) {
        quote_ident(&list, spec->role);
        buf_printf(&list, logins == NULL ? "" : ", ");
    }
    if (logins != NULL) {
        buf_append(&list, logins, strlen(logins));
    }
    free(logins);
    char *users = buf_size(&list) == 0 ? NULL : x_strndup(buf_slice(&list));
    buf_release(&list);
    return users;
}

char *grants_logins(struct script *s, const struct tenant_spec *spec)
{
    char *logins = tenant_logins(s, spec);
    struct buf list = {0};

    quote_ident(&list, spec->role);
    if (logins != NULL) {
        buf_printf(&list, ", %s", logins);
    }
    free(logins);
    char *users = x_strndup(buf_slice(&list));
    buf_release(&list);
    return users;
}

static void grant_later(struct script *s, const struct tenant_spec *spec, const char *schema,
                        const char *what, const char *users)
{
    struct buf sql = {0};

    buf_printf(&sql, "ALTER DEFAULT PRIVILEGES FOR ROLE ");
    quote_ident(&sql, spec->owner);
    buf_printf(&sql, " IN SCHEMA ");
    quote_ident(&sql, schema);
    buf_printf(&sql, " GRANT %s TO %s", what, users);
    script_run(s, &sql);
}

void grants_write(struct script *s, const struct tenant_spec *spec, const char *schema)
{
    bool may_create = spec->config->owner == NULL;
    char *users = list_users(s, spec);
    struct buf sql = {0};

    buf_printf(&sql, "REVOKE ALL ON SCHEMA ");
    quote_ident(&sql, schema);
    buf_printf(&sql, " FROM PUBLIC");
    script_run(s, &sql);
    buf_printf(&sql, "GRANT USAGE, CREATE ON SCHEMA ");
    quote_ident(&sql, schema);
    buf_printf(&sql, " TO ");
    quote_ident(&sql, spec->owner);
    script_run(s, &sql);
    if (users != NULL) {
        buf_printf(&sql, "GRANT USAGE%s ON SCHEMA ", may_create ? ", CREATE" : "");
        quote_ident(&sql, schema);
        buf_printf(&sql, " TO %s", users);
        script_run(s, &sql);
        grant_later(s, spec, schema, "SELECT, INSERT, UPDATE, DELETE ON TABLES", users);
        grant_later(s, spec, schema, "USAGE, SELECT ON SEQUENCES", users);
    }
    free(users);
}
