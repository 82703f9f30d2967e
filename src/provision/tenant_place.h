// SPDX-License-Identifier: MIT
//
// tenant_place: is a tenant where its changed options say that it is? Blocks.
#ifndef PROVISION_TENANT_PLACE_H
#define PROVISION_TENANT_PLACE_H

#include "provision/tenant_work.h"

/* Where `config` puts the tenant on another server or in another database than the request's: fails
 * unless its role, database and schema are there. A server without an admin is not looked at, and
 * the report says so. */
void tenant_place_check(const struct tenant_request *request, const struct tenant_config *config,
                        struct report *report);

#endif
