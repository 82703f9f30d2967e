// SPDX-License-Identifier: MIT
//
// check_inner: what the files of check share, and nobody else includes.
#ifndef CONFIG_CHECK_INNER_H
#define CONFIG_CHECK_INNER_H

#include "config/check.h"

struct checker {
    const struct config *config;
    const struct node *root;
    struct config_faults *faults;
};

/* One server, user, tenant or provider while it is checked. */
struct entry {
    const char *map;  /* "servers" */
    const char *name; /* "main"; "defaults" for the tenants' */
};

/* The entry where it is written, or NULL. */
const struct node *check_entry_node(const struct checker *c, const char *map, const char *name);

/* Where an entry's key is written: in it, else in the tenants' defaults, else the entry itself. */
const struct node *check_locate(const struct checker *c, const struct entry *e, const char *key);

/* A fault at a key of an entry. The entry's name is left out, so that what many tenants inherit is
 * said once. */
void check_entry_fault(const struct checker *c, const struct entry *e, const char *key,
                       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* ", did you mean "main"?" or nothing. */
void check_suggest_server(const struct config *config, const char *name, char *out, size_t cap);

void check_tenant(const struct checker *c, const char *name, const struct tenant_config *t);

#endif
