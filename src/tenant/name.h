// SPDX-License-Identifier: MIT
//
// name: what a tenant may be called, and the names that are made of it: a pattern such as
// "tenant_{tenant}" becomes the name of a database, a role or a schema. A name that would be too
// long for PostgreSQL is refused, never cut: two tenants must not meet in one cut name. Pure.
#ifndef TENANT_NAME_H
#define TENANT_NAME_H

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

enum { NAME_SIZE = LIMIT_NAME + 1 }; /* bytes that hold any name and its terminator */

/* 1 to 63 bytes of [A-Za-z0-9_][A-Za-z0-9_.-]*. */
bool name_valid(struct slice name);

/* What the placeholders stand for; an empty one may not be used. */
struct name_values {
    struct slice tenant; /* {tenant} */
    struct slice schema; /* {schema} */
    struct slice role;   /* {role} */
    struct slice user;   /* {user} */
};

/* Writes the terminated name. Fails with ERR_INVALID_VALUE where it would be empty or longer than
 * 63 bytes, and with ERR_CONFIG for a placeholder that is unknown or has no value here. */
int name_expand(struct slice pattern, const struct name_values *values, char out[NAME_SIZE],
                struct err *err);

/* Writes a name that is taken as it is, under the same bounds; `what` says whose it is. */
int name_copy(const char *what, struct slice name, char out[NAME_SIZE], struct err *err);

#endif
