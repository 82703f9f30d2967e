// SPDX-License-Identifier: MIT
//
// auth_query: asks a server what it knows of a user: the secret that auth.query.sql finds, and the
// roles that it is a member of. One connection, made when it is first needed and again when it was
// lost; it carries nothing of any client: its search_path is fixed, names are parameters only.
// Blocks; one thread at a time.
//
// One row with exactly the name that was asked for is an answer. No row, several, or another name
// are "there is no such user".
#ifndef PROVISION_AUTH_QUERY_H
#define PROVISION_AUTH_QUERY_H

#include "base/err.h"
#include "config/config.h"
#include "secret/secrets.h"

struct auth_query;

/* Whom a question is about; "" where the client named none. */
struct auth_query_subject {
    const char *user;
    const char *tenant;
    const char *database;
};

struct auth_query_user {
    bool found;
    char *secret;     /* NULL: no password lets in */
    bool has_tenants; /* the query has a third column */
    char *tenants;    /* it: patterns with commas between; NULL: none */
};

struct auth_query_roles {
    char **names; /* the user's own too, where there is such a role */
    size_t count;
};

/* Takes a reference; auth.query of their configuration names a server. */
struct auth_query *auth_query_new(const struct secrets *secrets);
void auth_query_free(struct auth_query *query); /* NULL is allowed */

/* The answer is the caller's to end, also after a failure. */
int auth_query_ask_user(struct auth_query *query, const struct auth_query_subject *subject,
                        struct auth_query_user *user, struct err *err);
int auth_query_ask_roles(struct auth_query *query, const struct auth_query_subject *subject,
                         struct auth_query_roles *roles, struct err *err);

void auth_query_user_fini(struct auth_query_user *user);
void auth_query_roles_fini(struct auth_query_roles *roles);

#endif
