// SPDX-License-Identifier: MIT
//
// tenant_role: the roles of a tenant. An object that exists is taken for the tenant's own only by
// its comment: what was not made for the tenant is never changed or removed. Blocks.
#ifndef PROVISION_TENANT_ROLE_H
#define PROVISION_TENANT_ROLE_H

#include "provision/script.h"
#include "provision/tenant_spec.h"

/* Whose is an object? */
enum tenant_mark { MARK_ABSENT, MARK_OURS, MARK_FOREIGN };

/* Kinds of objects, as their comments are found. */
enum tenant_object { OBJECT_ROLE, OBJECT_SCHEMA, OBJECT_DATABASE };

/* What the object's comment says; MARK_FOREIGN after an error, too. *unfinished (may be NULL) is
 * set where more had to be done with it. */
enum tenant_mark tenant_object_mark(struct script *s, enum tenant_object kind, const char *name,
                                    const struct tenant_spec *spec, bool *unfinished);

/* Fails: it is there, and not the tenant's. */
void tenant_object_refuse(struct script *s, enum tenant_object kind, const char *name,
                          const struct tenant_spec *spec);

/* Marks it; `unfinished` says that more has to be done with it. */
void tenant_object_comment(struct script *s, enum tenant_object kind, const char *name,
                           const struct tenant_spec *spec, bool unfinished);

/* In a transaction: role and owner, as the spec has them. `verifier` is the role's password as the
 * server keeps it, or NULL. */
void tenant_roles_make(struct script *s, const struct tenant_spec *spec, const char *verifier);

/* Gives the tenant's role another password; fails where the role is not there, or not the tenant's.
 */
void tenant_role_set_password(struct script *s, const struct tenant_spec *spec,
                              const char *verifier);

/* In a transaction, where nothing is left that they own; grants in this database go with them. */
void tenant_roles_drop(struct script *s, const struct tenant_spec *spec);

/* In a transaction: where PUBLIC may not enter this database, the role that logs in may. */
void tenant_role_let_in(struct script *s, const struct tenant_spec *spec);

/* Takes what they own or may do in this database away. */
void tenant_roles_disown(struct script *s, const struct tenant_spec *spec);

/* Roles that log in for the tenant and exist on this server, quoted, with commas between; NULL for
 * none; to be freed. */
char *tenant_logins(struct script *s, const struct tenant_spec *spec);

#endif
