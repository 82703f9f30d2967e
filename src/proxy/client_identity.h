// SPDX-License-Identifier: MIT
//
// client_identity: what is known of a client when its login is over. Filled by client_startup and
// client_login, read by enter; the slices point into the login. One thread.
#ifndef PROXY_CLIENT_IDENTITY_H
#define PROXY_CLIENT_IDENTITY_H

#include "auth/scram.h"
#include "base/err.h"
#include "proxy/realm.h"
#include "tenant/name.h"
#include "tenant/setting.h"

struct client_identity {
    struct slice user;      /* as it logged in: without the tenant's part */
    struct slice full_user; /* as it was sent */
    struct slice database;  /* without the tenant's part; empty where none was named */
    struct slice full_database;
    struct slice replication; /* the mode in which it replicates; empty for an ordinary session */
    const struct realm_user *known;   /* NULL where everybody is trusted */
    char tenant[NAME_SIZE];           /* "" where none was resolved */
    bool nameless;                    /* … because the client names none at all */
    struct err tenant_err;            /* … and why */
    struct context_setting *settings; /* its startup parameters that are settings */
    size_t setting_count;
    bool long_key; /* it speaks protocol 3.2 */
    bool has_keys; /* its password's SCRAM keys are known, to log in to the server with */
    struct scram_keys keys;
};

/* In whose turn its login waits: its tenant's, where there is such a tenant; those who ask for
 * others share one. */
static inline struct slice client_identity_lane(const struct client_identity *identity,
                                                const struct realm *realm)
{
    struct slice name = slice_str(identity->tenant);
    struct tenant tenant;

    return registry_find(realm_registry(realm), name, &tenant) == NULL ? SLICE_EMPTY : name;
}

#endif
