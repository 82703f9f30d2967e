// SPDX-License-Identifier: MIT
//
// tenants: keeps the roster of the realms up to what the registry's table says, by a registry_watch
// on the server and database that the realm in force names. What changed is told to the owner, who
// amends the realm. Control thread.
#ifndef DAEMON_TENANTS_H
#define DAEMON_TENANTS_H

#include "daemon/realms.h"
#include "net/mailbox.h"
#include "provision/registry_watch.h"
#include "provision/server_target.h"

struct tenants {
    struct roster *roster;
    struct mailbox *box;
    struct registry_watch *watch;  /* NULL: there is no registry */
    struct server_target target;   /* what is watched */
    const struct secrets *secrets; /* that the target points into; a reference */
    void (*changed)(void *data);   /* roster.changed has names */
    void *data;
};

void tenants_init(struct tenants *t, struct roster *roster, struct mailbox *box,
                  void (*changed)(void *data), void *data);

/* Watches the registry of this realm. Where that is another than before it waits a little for its
 * rows, and forgets those of the last one: roster.changed has the names, `changed` is not called.
 */
void tenants_follow(struct tenants *t, const struct realm *realm);

/* The roster was changed by another than the watch. */
void tenants_note(struct tenants *t);

/* Before the mailbox is closed. */
void tenants_stop(struct tenants *t);

#endif
