// SPDX-License-Identifier: MIT
//
// roster: what is known of the registry's table, a row per tenant that was made or changed at run
// time. It takes records as they come in, one by one or all at once, and makes registries of them:
// what a change costs does not depend on how many rows there are. Where the file names a tenant the
// file wins, and the record decides its state only.
//
// Not pure in one thing: it logs what is wrong with a record, which is then left out, or stays what
// it was. One thread.
#ifndef TENANT_ROSTER_H
#define TENANT_ROSTER_H

#include "base/buf.h"
#include "tenant/registry.h"

/* A row of the table. */
struct roster_record {
    char name[NAME_SIZE];
    enum tenant_state state;
    bool made;       /* the tenant is here by CREATE TENANT; else only its state is kept */
    bool gone;       /* there is no row of this name any more */
    uint64_t change; /* grows with every change of any row */
    char *options;   /* JSON, as config/overlay.h takes it; NULL where gone. Owned */
};

struct roster {
    struct roll roll;
    struct forms forms; /* what the rows' options come to */
    struct buf changed; /* names of what changed, each with a NUL; the owner empties it */
};

void roster_init(struct roster *roster);

/* Takes a record in, and notes its name where anything changed; one that is older than what is
 * known is passed over. `options` stays the caller's. */
void roster_take(struct roster *roster, const struct roster_record *record);

/* Takes all records of the table in: what is not among them is gone. */
void roster_take_all(struct roster *roster, const struct roster_record *records, size_t count);

/* A registry of this configuration and the rows, with one reference. Another configuration than
 * last time has all options read anew. */
const struct registry *roster_registry(struct roster *roster, const struct config *config);

void roster_fini(struct roster *roster);

void roster_record_fini(struct roster_record *record);

#endif
