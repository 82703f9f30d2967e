// SPDX-License-Identifier: MIT
//
// store: the one way to read, write and delete what secret providers keep, whatever their type. All
// of it blocks (on a disk, a program, a service over HTTP), so it runs in the thread pool, in the
// control thread, never on a loop. Errors name the provider and what went wrong there, never a
// secret: ERR_NO_SECRET where there is none of that name, ERR_CONFIG where the configuration or the
// name is at fault, ERR_STORE where the store failed. Any thread; calls share nothing but
// `secrets`.
#ifndef SECRET_STORE_H
#define SECRET_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "secret/secrets.h"

/* Which of a role's passwords. */
enum store_turn {
    STORE_CURRENT,
    STORE_NEXT,  /* the one that it is being given: the server may have it already */
    STORE_FORMER /* the one before: the server may have it still. Where passwords are derived */
};

enum { STORE_ID_SIZE = 256 };

/* A key that has its name. */
struct store_turned {
    struct store_key key;
    char id[STORE_ID_SIZE];
};

enum { STORE_PASSWORD_SIZE = 65 }; /* a password of ours with its terminator */

/* Returns 0 and the secret in *out, to be freed with secure_free. */
int store_read(const struct secrets *secrets, const struct provider_config *provider,
               const struct store_key *key, char **out, struct err *err);

/* The same by memory, see store_cache.h. Providers that need no service, and answer at once, are
 * always asked. */
int store_recall(const struct secrets *secrets, const struct provider_config *provider,
                 const struct store_key *key, bool fresh, char **out, struct err *err);

/* Makes `value` what is read from now on: all of it or nothing of it, on disk when this returns.
 * ERR_CONFIG where the type of provider cannot write: see store_derives. The field is not used. */
int store_write(const struct secrets *secrets, const struct provider_config *provider,
                const struct store_key *key, const char *value, struct err *err);

/* Forgets it; it is no error when there was none, or when nothing is stored. */
int store_delete(const struct secrets *secrets, const struct provider_config *provider,
                 const struct store_key *key, struct err *err);

/* Whether secrets come out of the provider by themselves: reading always works, writing never, and
 * a role is given what is read. */
bool store_derives(const struct provider_config *provider);

/* Under which key the provider has the password of that turn, if `key` is that of the role; false
 * where there can be none. */
bool store_turn(const struct provider_config *provider, const struct store_key *key,
                enum store_turn turn, struct store_turned *out);

/* The password that a role is to have, for making the role; the same when it is asked again: what
 * the store holds; else, once written there, a new one. *out as of store_read; *made where there
 * was none before, also where the writing failed, after which it may be there. */
int store_ensure(const struct secrets *secrets, const struct provider_config *provider,
                 const struct store_key *key, char **out, bool *made, struct err *err);

/* A random password: 256 bits in hexadecimal. The caller clears it. */
void store_new_password(char out[STORE_PASSWORD_SIZE]);

#endif
