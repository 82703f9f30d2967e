// SPDX-License-Identifier: MIT
//
// client_method: which proof a client owes, by auth.method or by the first rule of the HBA file
// that fits it, and whether what the connection tells (the owner of its process, its certificate)
// is that proof. Pure but for client_method_owner.
#ifndef PROXY_CLIENT_METHOD_H
#define PROXY_CLIENT_METHOD_H

#include "auth/name_match.h"
#include "proxy/client_identity.h"
#include "proxy/client_origin.h"

struct client_method {
    enum auth_method kind;             /* never AUTH_HBA */
    const char *map;                   /* of pg_ident.conf; NULL: names must be the same */
    enum hba_clientcert clientcert;    /* what its certificate must be, beside the method */
    const struct hba_service *service; /* whom to ask; memory of the realm */
};

/* Which one. Returns 0, or 1 where it hangs on the roles of the user (`roles` NULL), or a negative
 * code: no rule fits, or one rejects (ERR_NOT_ALLOWED). */
int client_method_choose(struct client_method *method, const struct realm *realm,
                         const struct client_origin *origin, const struct client_identity *identity,
                         const struct role_list *roles, struct err *err);

/* Whether the certificate is what the rule asks for beside the method. */
int client_method_check_certificate(const struct client_method *method, const struct realm *realm,
                                    const struct client_origin *origin, struct slice user,
                                    struct err *err);

/* cert and peer: may the one with this name of a certificate, or of the operating system, be the
 * user? */
int client_method_check_name(const struct client_method *method, const struct realm *realm,
                             struct slice name, struct slice user, struct err *err);

/* The name of a user of the operating system, to be freed; NULL where it has none. May block. */
char *client_method_owner(uid_t uid);

#endif
