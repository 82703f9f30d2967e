// SPDX-License-Identifier: MIT
//
// client_token: a token in the place of a password (auth.jwt). Whether it may come at all, and what
// its claims make of a client: the user that it logs in as, its tenant, which rules must agree
// with, and leave to enter that tenant where the user is known by its token alone. Pure.
#ifndef PROXY_CLIENT_TOKEN_H
#define PROXY_CLIENT_TOKEN_H

#include "auth/jwt.h"
#include "proxy/client_identity.h"
#include "proxy/client_origin.h"

/* A user that only its token knows; embedded in the login. */
struct client_token {
    struct jwt_claims claims;
    const char *tenant; /* the one pattern of what it may enter: claims.tenant */
    struct user_config config;
    struct realm_user user;
};

/* Is the password a token, and are tokens taken? */
bool client_token_expected(const struct realm *realm, struct slice password);

/* ERR_PASSWORD over a connection that others can read. */
int client_token_allowed(const struct realm *realm, const struct client_origin *origin,
                         struct err *err);

/* After the token was found right: completes the identity. ERR_PASSWORD where it is another's. */
int client_token_take(struct client_token *token, struct client_identity *identity,
                      struct err *err);

#endif
