// SPDX-License-Identifier: MIT
//
// server_target: where pgexec connects to for a server of the configuration, as its admin. Points
// into the configuration and its secrets; the text of the hosts is its own.
#ifndef PROVISION_SERVER_TARGET_H
#define PROVISION_SERVER_TARGET_H

#include "config/config.h"
#include "provision/pgexec.h"
#include "secret/secrets.h"

struct server_target {
    struct pgexec_target target; /* `database` may be exchanged */
    char *hosts;
};

/* Everything but who logs in to what: for another login than the admin's. */
void server_target_reach(struct server_target *st, const struct server_config *server);

/* ERR_CONFIG where the server has no admin; `what` needs one, as "SETUP RLS". */
int server_target_init(struct server_target *st, const struct server_config *server,
                       const struct secrets *secrets, const char *what, struct err *err);
void server_target_fini(struct server_target *st); /* a zeroed struct is allowed */

#endif
