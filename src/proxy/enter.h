// SPDX-License-Identifier: MIT
//
// enter: where a client goes whose password was right: to the console, or into its tenant's pool,
// which may live on another worker.
// The order of the checks is the order in which a client may learn things: first whether it may
// enter the tenant at all, and only then whether there is one. Called once per client, on its
// thread.
#ifndef PROXY_ENTER_H
#define PROXY_ENTER_H

#include "proxy/client_login.h"
#include "proxy/frontend.h"
#include "proxy/role_secret.h"

enum enter_result {
    ENTER_REFUSED,
    ENTER_TENANT,
    ENTER_ELSEWHERE,    /* its pool lives on the worker whose index is in *worker */
    ENTER_NEEDS_SECRET, /* fetch what is wanted, and call again */
    ENTER_NEEDS_TENANT, /* have it made, and call again */
    ENTER_CONSOLE_ADMIN,
    ENTER_CONSOLE_STATS
};

/* What one who is logged in had before its tenant was changed. */
struct enter_past {
    const struct client_identity *identity; /* its settings: its own, then what it was shown */
    size_t own_settings;                    /* of them, the first */
    const char *server;                     /* of its last pool */
    const char *database;
    const struct credential *opens; /* that pool's connections */
};

/* `secret` is cleared the first time. On ENTER_TENANT the frontend has its tenant, lane and
 * context; on ENTER_REFUSED err says why. */
enum enter_result enter(struct frontend *f, const struct client_identity *identity,
                        struct enter_secret *secret, uint32_t *worker, struct err *err);

/* Finds the place of one who is logged in anew, by the realm in force: it was here, and is counted
 * already, or has arrived from another worker. ENTER_REFUSED with err set: it must go; on
 * ENTER_ELSEWHERE nothing of it has changed. */
enum enter_result enter_again(struct frontend *f, const struct enter_past *past, uint32_t *worker,
                              struct err *err);

#endif
