// SPDX-License-Identifier: MIT
//
// appname: what a tenant's sessions are called at the server. The pattern application_name of a
// tenant, such as "{application_name} [{tenant}]", makes the server's name out of the client's, so
// that pg_stat_activity and the log tell whose session it is; the client goes on to see its own.
// {client_addr} is where the client is, which the server cannot know behind a proxy.
//
// The server cuts a name at LIMIT_NAME bytes. So that the tenant is not what is cut off, the
// client's part is cut, and bytes that the server would replace are replaced here. Pure.
#ifndef TENANT_APPNAME_H
#define TENANT_APPNAME_H

#include <stdbool.h>

#include "tenant/name.h"

struct appname {
    struct slice pattern;
    struct slice tenant;
    struct slice client_addr; /* empty where no client is at hand */
};

/* Writes the server's name, terminated; without spaces at its ends where the client has none. */
void appname_make(const struct appname *as, struct slice own, char out[NAME_SIZE]);

/* The client's part of a server's name, which points into it. False where the name was not made by
 * this pattern: somebody set it by SQL. */
bool appname_own(const struct appname *as, struct slice name, struct slice *own);

#endif
