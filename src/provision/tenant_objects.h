// SPDX-License-Identifier: MIT
//
// tenant_objects: the schema or the database of a tenant, and who may do what there. Everything is
// safe to repeat: what is there and marked as the tenant's is left, what is missing is made.
// Blocks.
#ifndef PROVISION_TENANT_OBJECTS_H
#define PROVISION_TENANT_OBJECTS_H

#include "provision/tenant_role.h"

/* In a transaction on the tenant's database, whose roles are made: the schema, its grants, and what
 * the template makes in it. */
void tenant_schema_make(struct script *s, const struct tenant_spec *spec);

/* Outside a transaction, on another database of the server: the database, shut to everyone. */
void tenant_database_make(struct script *s, const struct tenant_spec *spec);

/* Was it made for the tenant by a command that was killed before it could say so? */
bool tenant_database_is_begun(struct script *s, const struct tenant_spec *spec);

/* In a transaction there: the login of those who may. */
void tenant_database_grant(struct script *s, const struct tenant_spec *spec);

/* In a transaction on the new database: the schema public is the tenant's. */
void tenant_database_furnish(struct script *s, const struct tenant_spec *spec);

#endif
