// SPDX-License-Identifier: MIT
//
// form: a list of options of the registry, and what it comes to under one configuration. Rows with
// the same list share one. A set of forms holds a reference to each; whoever points to one holds
// another. Counted atomically, since the last to let go may be a worker; sets are one thread's.
#ifndef TENANT_FORM_H
#define TENANT_FORM_H

#include <stdatomic.h>

#include <uthash.h>

#include "config/overlay.h"

struct form {
    UT_hash_handle hh; /* of the set, by options */
    atomic_uint refs;
    const struct overlay *overlay; /* a reference; NULL: the options are at fault */
    char options[];                /* JSON, as config/overlay.h takes it */
};

struct forms {
    struct form *by_options;
    const struct config *config; /* a reference; NULL at first: then no form has an overlay */
    unsigned swept;              /* how many there were when those of no use were dropped last */
};

/* With a reference for the caller. What is wrong with options is logged once, with this name. */
struct form *forms_get(struct forms *forms, const char *options, const char *name);

/* Forgets all forms: what is asked for next is of this configuration. */
void forms_follow(struct forms *forms, const struct config *config);

void forms_fini(struct forms *forms);

struct form *form_ref(struct form *form);
void form_unref(struct form *form);

#endif
