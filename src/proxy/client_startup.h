// SPDX-License-Identifier: MIT
//
// client_startup: what a client said in its startup packet: user, database, settings (those out of
// "options" too), and which tenant it means. The packet is copied once, everything else points into
// it. Embedded in the login; a zeroed struct is an empty one. One thread.
#ifndef PROXY_CLIENT_STARTUP_H
#define PROXY_CLIENT_STARTUP_H

#include "base/buf.h"
#include "base/limits.h"
#include "proxy/client_identity.h"
#include "proxy/client_origin.h"
#include "tenant/resolve.h"
#include "wire/startup.h"

struct client_startup {
    struct buf packet; /* the startup packet's parameters, which slices below point into */
    char *options;     /* memory of the settings out of "options" */
    struct startup_option *split; /* those settings; LIMIT_CONTEXT_SETTINGS of them */
    struct slice user;
    struct slice database;
    struct slice raw_options;
    struct slice replication;
    struct slice extensions[8]; /* _pq_.… names */
    size_t extension_count;
    struct context_setting *settings; /* room for LIMIT_CONTEXT_SETTINGS; set by _read */
    size_t setting_count;
    struct resolved resolved;
};

/* Takes the packet apart. ERR_NOT_ALLOWED where it names no user. */
int client_startup_read(struct client_startup *said, struct slice body, struct err *err);

/* Which tenant, and as which user. A failure is kept in the identity for later: first comes the
 * password. */
void client_startup_resolve(struct client_startup *said, const struct tenancy_config *tenancy,
                            const struct client_origin *origin, struct client_identity *identity);

void client_startup_fini(struct client_startup *said);

#endif
