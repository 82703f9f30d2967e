// SPDX-License-Identifier: MIT
//
// state: what the console's parts share. Private to this layer; control thread.
#ifndef ADMIN_STATE_H
#define ADMIN_STATE_H

#include "admin/admin.h"
#include "admin/history.h"

struct admin {
    struct loop *loop;
    struct mailbox box; /* where the workers' answers arrive */
    struct admin_worker *workers;
    uint32_t worker_count;
    struct admin_hooks hooks;
    void *data;           /* for the hooks */
    struct gates gates;   /* what the workers were told to shut */
    struct levels levels; /* … and at which levels to log tenants */
    struct stats_history stats;
    struct http *http; /* NULL: off */
    uint64_t started;  /* loop time, ms */
    struct list consoles;
    uint32_t console_count;
    uint64_t next_console;  /* numbers of consoles: multiples of CREW_IDS */
    uint32_t mails;         /* questions that have not come back */
    struct making *makings; /* tenants being made for logins; uthash by name */
    uint64_t minute;        /* loop time, ms, at which tenants made for logins were last counted */
    uint32_t made;          /* … how many since */
    bool draining;          /* clients are refused */
    bool closing;
    bool box_closed;
};

static inline const struct realm *admin_realm(const struct admin *admin)
{
    return admin->hooks.realm(admin->data);
}

static inline const struct config *admin_config(const struct admin *admin)
{
    return realm_config(admin_realm(admin));
}

/* A word for the state of a tenant: what the console has shut goes before what the registry says.
 */
const char *admin_tenant_state(const struct admin *admin, struct slice tenant);

/* Closes the box when the last answer has come. */
void admin_close_box_if_done(struct admin *admin);

#endif
