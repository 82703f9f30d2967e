// SPDX-License-Identifier: MIT
//
// enter: where a client goes whose password was right: to the console, or into its tenant's pool.
// The order of the checks is the order in which a client may learn things: first whether it may
// enter the tenant at all, and only then whether there is one. Called once per client, on its
// thread.
#ifndef PROXY_ENTER_H
#define PROXY_ENTER_H

#include "proxy/client_login.h"
#include "proxy/frontend.h"

enum enter_result {
    ENTER_REFUSED,
    ENTER_TENANT,
    ENTER_NEEDS_SECRET, /* of the role whose name is in err.text: fetch it, and call again */
    ENTER_CONSOLE_ADMIN,
    ENTER_CONSOLE_STATS
};

/* The password of a tenant's role, once it was fetched. */
struct enter_secret {
    const char *secret; /* NULL for none */
};

/* `fetched` is NULL the first time. On ENTER_TENANT the frontend has its tenant, lane and context;
 * on ENTER_REFUSED err says why. */
enum enter_result enter(struct frontend *f, const struct client_identity *identity,
                        const struct enter_secret *fetched, struct err *err);

#endif
