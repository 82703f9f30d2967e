// SPDX-License-Identifier: MIT
//
// role_password: the password of a role that is made for a tenant, in the store that secrets.store
// names. Blocks.
#ifndef PROVISION_ROLE_PASSWORD_H
#define PROVISION_ROLE_PASSWORD_H

#include "base/err.h"
#include "secret/store.h"

/* The password that the store has for the role, made at random where it has none yet. *out is to be
 * freed with secure_free; NULL where no store is configured: the server may trust. *made where the
 * store may have one now that it had not before. */
int role_password_ensure(const struct secrets *secrets, const struct store_key *key, char **out,
                         bool *made, struct err *err);

/* Where secrets.store keeps them; NULL for none. */
const struct provider_config *role_password_store(const struct secrets *secrets);

/* What a server keeps of a password, with a salt of its own; takes milliseconds. To be freed with
 * secure_free. */
char *role_password_verifier(const char *password);

/* Forgets it. Not an error where there is none. */
int role_password_delete(const struct secrets *secrets, const struct store_key *key,
                         struct err *err);

#endif
