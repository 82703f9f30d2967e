// SPDX-License-Identifier: MIT
//
// plan: what a strategy decides for one client login: which pool serves it (server, database, role)
// and which settings the tenant itself puts into the session. The helpers below are what the
// strategies have in common. Pure.
#ifndef TENANT_PLAN_H
#define TENANT_PLAN_H

#include "base/limits.h"
#include "tenant/name.h"
#include "tenant/setting.h"
#include "tenant/tenant.h"

/* Whom the client asked to be, without the tenant's part in either name. */
struct login {
    struct slice user;
    struct slice database; /* empty: the one named like the user, as in PostgreSQL */
};

/* Whose password opens a server connection of the pool. */
enum plan_credential {
    CREDENTIAL_CLIENT, /* the client's user logs in itself */
    CREDENTIAL_TENANT, /* the tenant's role, whose password is kept by the secret store */
    CREDENTIAL_FIXED   /* the one that is configured */
};

enum { PLAN_SEARCH_PATH = 1024 };

/* Points into itself, the tenant and its config: do not copy it, and keep them as long. */
struct plan {
    const char *server;
    char database[NAME_SIZE];
    char role[NAME_SIZE];
    enum plan_credential credential;
    uint32_t epoch;                    /* CREDENTIAL_TENANT: which of a row of derived ones */
    const struct secret_ref *password; /* CREDENTIAL_FIXED; its kind may be SECRET_NONE */
    bool dedicated; /* the pool serves this tenant only: its name belongs into the pool's key */
    bool sealed;    /* rls.seal: each server connection adds the tenant's seal for itself */
    bool names_sessions;      /* application_name is among the settings, by the tenant's pattern */
    struct slice client_addr; /* of the client at hand, for its name; the caller's */
    struct context_setting settings[LIMIT_CONTEXT_SETTINGS]; /* all fixed; each name once */
    size_t setting_count;
    /* private below */
    char search_path[PLAN_SEARCH_PATH]; /* the values of such settings */
    char application_name[NAME_SIZE];
    char session_name[NAME_SIZE]; /* the same, of the client at hand: session_settings */
};

/* Server, role, credential and the tenant's configured settings; no database yet. */
int plan_begin(const struct tenant *tenant, const struct login *login, struct plan *plan,
               struct err *err);

/* The tenant's configured database, or the one that the client asked for. */
int plan_shared_database(const struct tenant *tenant, const struct login *login, struct plan *plan,
                         struct err *err);

/* Adds a setting of the strategy's own. ERR_CONFIG where the tenant's `settings` have it too. */
int plan_add(struct plan *plan, const char *name, const char *value, struct err *err);

bool plan_fixes(const struct plan *plan, struct slice name);

#endif
