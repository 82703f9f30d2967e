// SPDX-License-Identifier: MIT
//
// secrets: all secrets that a configuration asks for, as an immutable snapshot beside the
// configuration's own (fetch.h makes it), with what outlives it: what stores let us in with, and
// what they told. The last unref overwrites and frees them. Read by all; the count of references is
// atomic.
#ifndef SECRET_SECRETS_H
#define SECRET_SECRETS_H

#include "config/config.h"
#include "secret/sessions.h"
#include "secret/store_cache.h"

struct secrets;

/* A snapshot with one reference, which holds one to the configuration; no secret is in it yet.
 * Sessions and cache go on from the snapshot before, which may be NULL. */
struct secrets *secrets_new(const struct config *config, const struct secrets *previous);

/* Puts in the secret of config.secret_uses[index], before anybody else sees the snapshot. Takes it
 * over. */
void secrets_put(struct secrets *secrets, size_t index, char *value);

const struct secrets *secrets_ref(const struct secrets *secrets);
void secrets_unref(const struct secrets *secrets);

/* The configuration that these are the secrets of. */
const struct config *secrets_config(const struct secrets *secrets);

/* What stores let us in with; as long as the snapshot is held. */
struct sessions *secrets_sessions(const struct secrets *secrets);

/* What was read from stores; likewise. */
struct store_cache *secrets_cache(const struct secrets *secrets);

/* The secret behind a reference of that same configuration, as long as the snapshot is held; NULL
 * for SECRET_NONE. */
const char *secret_of(const struct secrets *secrets, const struct secret_ref *ref);

#endif
