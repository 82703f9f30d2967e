// SPDX-License-Identifier: MIT
//
// split: takes a name apart as a resolve rule says: literals around {tenant} and at most one
// other placeholder, which keeps the rest. Where the text between the two occurs more than once,
// the tenant is the shorter part: with {tenant} last it is what follows the last occurrence, with
// {tenant} first it is what precedes the first one. So "{user}.{tenant}" reads "a.b.c" as tenant c
// of user a.b. The tenant's part is never empty. Pure.
#ifndef TENANT_SPLIT_H
#define TENANT_SPLIT_H

#include "base/slice.h"

struct split_parts {
    struct slice tenant; /* of the name that was matched; not yet checked as a tenant's name */
    struct slice rest;   /* what the other placeholder stands for; may be empty */
    bool has_rest;       /* false where the pattern has no other placeholder */
};

/* With `fold` the literals match in either case, as in names of hosts. */
bool split_name(struct slice pattern, struct slice name, bool fold, struct split_parts *parts);

#endif
