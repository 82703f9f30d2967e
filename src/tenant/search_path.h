// SPDX-License-Identifier: MIT
//
// search_path: a tenant's search_path out of its pattern. Each element with a placeholder becomes
// one quoted identifier, whole: tenant_{tenant} gives "tenant_Acme" and never tenant_Acme, which
// PostgreSQL would fold to the schema of another tenant, acme. Elements without one stay as they
// are. Pure.
#ifndef TENANT_SEARCH_PATH_H
#define TENANT_SEARCH_PATH_H

#include "tenant/name.h"

/* Writes the terminated list into out[cap]; the errors of name_expand, and ERR_CONFIG for a list
 * that does not fit. */
int search_path_expand(const char *pattern, const struct name_values *values, char *out, size_t cap,
                       struct err *err);

#endif
