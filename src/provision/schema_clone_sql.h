// SPDX-License-Identifier: MIT
//
// schema_clone_sql: the questions to the catalogs behind schema_clone. Each takes the model
// schema's name as $1.
#ifndef PROVISION_SCHEMA_CLONE_SQL_H
#define PROVISION_SCHEMA_CLONE_SQL_H

/* What cannot be cloned: one row, what it is and why. */
extern const char schema_clone_refused[];

/* The statements, in an order in which they can mostly be run: object, statement, and 't' where it
 * may have to wait for others behind it. The search_path is the model; $2 is the new schema. */
extern const char schema_clone_statements[];

/* What of schema $2 depends on the model: one row, which object, and on what. */
extern const char schema_clone_leftover[];

#endif
