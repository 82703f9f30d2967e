// SPDX-License-Identifier: MIT
//
// session: what a session starts with: the client's startup parameters and the tenant's own
// settings, merged. Three kinds of setting meet three answers:
//
//   reserved by the strategy   the client is refused: it must not believe that it got its way
//   fixed by the tenant        the tenant's value wins silently: it is a limit or a preference
//   any other                  the client's value
//
// Pure.
#ifndef TENANT_SESSION_H
#define TENANT_SESSION_H

#include "tenant/strategy.h"

/* Writes the merged settings, the plan's first, into out[cap] and returns how many they are.
 * `startup` has the parameters in the order in which the last one counts (those out of `options`
 * first, as in PostgreSQL), without user, database, replication and options, and without what
 * resolve_strip takes out. Protocol extensions (_pq_.…) are no settings and are left out. Where
 * the plan names sessions, the client's application_name and address go into the plan's. Fails with
 * ERR_RESERVED, or with ERR_INVALID_VALUE where they are more than cap. */
int session_settings(const struct tenant *tenant, struct plan *plan,
                     const struct context_setting *startup, size_t n, struct context_setting *out,
                     size_t cap, struct err *err);

#endif
