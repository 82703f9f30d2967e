// SPDX-License-Identifier: MIT
//
// grants: who may do what in a tenant's schema. The owner may everything. The others (the tenant's
// role where it does not own, and those who log in for the tenant) read and write what the owner
// makes, by default privileges that name the owner; they may make tables of their own only where no
// `owner` is configured. Nobody else gets in.
#ifndef PROVISION_GRANTS_H
#define PROVISION_GRANTS_H

#include "provision/tenant_role.h"

/* In a transaction on the database that the schema is in. */
void grants_write(struct script *s, const struct tenant_spec *spec, const char *schema);

/* Those who log in for the tenant, quoted, with commas between; NULL for none; to be freed. */
char *grants_logins(struct script *s, const struct tenant_spec *spec);

#endif
