// SPDX-License-Identifier: MIT
//
// realms: makes what is in force out of a file: configuration, registry, secrets, verifiers. Whole
// or not at all: a fault anywhere leaves what was. The budgets of servers outlive every reload.
// Control thread only; it blocks while files are read and secrets fetched.
#ifndef DAEMON_REALMS_H
#define DAEMON_REALMS_H

#include "config/faults.h"
#include "proxy/realm.h"
#include "tenant/roster.h"

struct named_budget;

struct realms {
    const char *file;
    struct named_budget *budgets;  /* uthash by server name */
    struct roster roster;          /* tenants of the registry's table */
    const struct secrets *secrets; /* the latest that were fetched; a reference, or NULL */
    uint8_t mock[32]; /* where the salts of all users come from, as long as the process */
};

void realms_init(struct realms *realms, const char *file);

/* A realm with one reference, or NULL: then `report` has one line per fault. */
const struct realm *realms_load(struct realms *realms, struct buf *report);

/* The realm with what the roster says by now. */
const struct realm *realms_amend(struct realms *realms, const struct realm *realm);
void realms_fini(struct realms *realms);

#endif
