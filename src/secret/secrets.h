// SPDX-License-Identifier: MIT
//
// secrets: all secrets that a configuration asks for, fetched once at start and at each reload, as
// an immutable snapshot beside the configuration's own. The last unref overwrites and frees them.
// Built where blocking is allowed (see secret.h), read by all. The count of references is atomic.
#ifndef SECRET_SECRETS_H
#define SECRET_SECRETS_H

#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"
#include "secret/sessions.h"

struct secrets;
struct store_cache;

/* Fetches every secret of the configuration, going on after a failure. Returns 0 and a snapshot
 * with one reference, which holds a reference to the configuration; or ERR_CONFIG, *out NULL, and
 * one line for each failure in *errors: "users.app.password: env: APP_PASSWORD: is not set". */
int secrets_resolve(const struct config *config, const struct secrets **out, struct buf *errors);

/* The same for the next configuration of one process: what stores let us in with goes on from the
 * snapshot before. */
int secrets_resolve_after(const struct secrets *previous, const struct config *config,
                          const struct secrets **out, struct buf *errors);

const struct secrets *secrets_ref(const struct secrets *secrets);
void secrets_unref(const struct secrets *secrets);

/* The configuration that these are the secrets of. */
const struct config *secrets_config(const struct secrets *secrets);

/* What stores let us in with; as long as the snapshot is held. */
struct sessions *secrets_sessions(const struct secrets *secrets);

/* What was read from stores; likewise. */
struct store_cache *secrets_cache(const struct secrets *secrets);

/* Fetches one secret of the configuration anew, as secret_resolve. Blocks. */
int secrets_fetch(const struct secrets *secrets, const struct secret_ref *ref, char **out,
                  struct err *err);

/* The secret behind a reference of that same configuration, as long as the snapshot is held; NULL
 * for SECRET_NONE. */
const char *secret_of(const struct secrets *secrets, const struct secret_ref *ref);

#endif
