// SPDX-License-Identifier: MIT
//
// roster: what is known of the registry's table: one record per tenant that was made or changed at
// run time. It takes records as they come in, one by one or all at once, and makes the rows of a
// registry out of them: records with the same options share one configuration. Where the file names
// a tenant the file wins, and the record decides its state only.
//
// Not pure in one thing: it logs what is wrong with a record, which is then left out, or stays what
// it was. One thread.
#ifndef TENANT_ROSTER_H
#define TENANT_ROSTER_H

#include <uthash.h>

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

struct roster_entry;
struct roster_form;

struct roster {
    struct roster_entry *entries; /* uthash by name */
    struct roster_form *forms;    /* uthash by options: what they came to, for `config` */
    const struct config *config;  /* a reference; NULL at first */
    struct buf changed;           /* names of what changed, each with a NUL; the owner empties it */
};

/* Takes a record in, and notes its name where anything changed; one that is older than what is
 * known is passed over. `options` stays the caller's. */
void roster_take(struct roster *roster, const struct roster_record *record);

/* Takes all records of the table in: what is not among them is gone. */
void roster_take_all(struct roster *roster, const struct roster_record *records, size_t count);

/* The record of this name, or NULL; valid until the next change. */
const struct roster_record *roster_find(const struct roster *roster, struct slice name);

size_t roster_count(const struct roster *roster);

/* Rows for a registry of this configuration. They own what they point to. */
void roster_rows(struct roster *roster, const struct config *config, struct registry_rows *rows);

void roster_fini(struct roster *roster);

void roster_record_fini(struct roster_record *record);

#endif
