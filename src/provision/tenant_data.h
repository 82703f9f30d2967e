// SPDX-License-Identifier: MIT
//
// tenant_data: is anything left that would be lost with the tenant, and taking out what lies among
// others' rows. Blocks.
#ifndef PROVISION_TENANT_DATA_H
#define PROVISION_TENANT_DATA_H

#include "provision/tenant_role.h"

/* Fails, naming a table, where one has a row of the tenant. On the tenant's database, outside a
 * transaction: thousands of tables are asked in parts. */
void tenant_data_refuse(struct script *s, const struct tenant_spec *spec);

/* Deletes the tenant's rows from the tables that all share, in a transaction. */
void tenant_data_delete_rows(struct script *s, const struct tenant_spec *spec);

/* Drops the tables of the tenant's schema in parts, each a transaction, as far as they are many: to
 * drop them at once would take a lock for each. */
void tenant_data_drop_tables(struct script *s, const struct tenant_spec *spec);

#endif
