// SPDX-License-Identifier: MIT
//
// refresh: a tenant is not what it was when its clients came: it was changed, suspended or removed
// while they are here. One thread: the worker's.
#ifndef PROXY_REFRESH_H
#define PROXY_REFRESH_H

#include "proxy/proxy.h"

/* Lets the tenant's clients and pools follow what the realm in force says of it; those that may not
 * stay are closed, a password that was rotated is fetched. Returns false where there are more than
 * one turn should take: call it again. */
bool refresh_tenant(struct proxy *proxy, struct slice name);

/* The tenant that clients expect was made, or could not be: then err says why. */
void refresh_expecting(struct proxy *proxy, const char *tenant, const struct err *err);

#endif
