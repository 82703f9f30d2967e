// SPDX-License-Identifier: MIT
//
// schema_clone: a tenant's new schema gets what a model schema of the same database has, without
// its rows: types, sequences, tables, functions, views, triggers, comments. What they are is read
// from the catalogs with the model as search_path, so that names in it come out bare, and is run
// with the tenant's schema as search_path. What cannot be cloned is refused by name, and so is what
// would still depend on the model when all is there. Blocks.
#ifndef PROVISION_SCHEMA_CLONE_H
#define PROVISION_SCHEMA_CLONE_H

#include "provision/script.h"
#include "provision/tenant_spec.h"

/* In a transaction, as the admin, behind the schema's making; everything becomes the owner's. */
void schema_clone(struct script *s, const struct tenant_spec *spec);

#endif
