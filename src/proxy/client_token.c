// SPDX-License-Identifier: MIT
#include "proxy/client_token.h"

#include <string.h>
#include <sys/socket.h>

bool client_token_expected(const struct realm *realm, struct slice password)
{
    return realm_rules(realm)->tokens != NULL && jwt_is_token(password);
}

/* Over the Unix socket or loopback nobody else listens. */
static bool is_near(const struct addr *peer)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    switch (peer->family) {
    case AF_INET:
        return peer->ip[0] == 127;
    case AF_INET6:
        return memcmp(peer->ip, loopback6, sizeof loopback6) == 0;
    default:
        return true;
    }
}

int client_token_allowed(const struct realm *realm, const struct client_origin *origin,
                         struct err *err)
{
    if (origin->encrypted || is_near(&origin->peer) || !realm_config(realm)->auth.jwt.require_tls) {
        return 0;
    }
    return err_set(err, ERR_PASSWORD, "a token came in clear over the network");
}

/* The token's tenant is one more rule: all that find a name must find the same. */
static int take_tenant(const struct client_token *token, struct client_identity *identity,
                       struct err *err)
{
    const char *tenant = token->claims.tenant;

    if (!name_valid(slice_str(tenant))) {
        return err_set(err, ERR_PASSWORD, "the token's tenant is no name of one");
    }
    if (identity->nameless) {
        memcpy(identity->tenant, tenant, strlen(tenant) + 1);
    } else if (identity->tenant[0] != '\0' && strcmp(identity->tenant, tenant) != 0) {
        (void)err_set(&identity->tenant_err, ERR_NO_TENANT,
                      "the token names tenant \"%s\", and the connection names \"%s\"", tenant,
                      identity->tenant);
        identity->tenant[0] = '\0';
    }
    return 0;
}

int client_token_take(struct client_token *token, struct client_identity *identity, struct err *err)
{
    if (!slice_eq_str(identity->user, token->claims.user)) {
        return err_set(err, ERR_PASSWORD, "the token is of another user");
    }
    if (token->claims.tenant[0] == '\0') {
        return identity->known != NULL
                   ? 0
                   : err_set(err, ERR_PASSWORD, "the token's user is not known");
    }
    int rc = take_tenant(token, identity, err);
    if (rc == 0 && identity->known == NULL) {
        token->tenant = token->claims.tenant;
        token->config = (struct user_config){.tenants = {.items = &token->tenant, .count = 1}};
        token->user = (struct realm_user){.config = &token->config};
        identity->known = &token->user;
    }
    return rc;
}
