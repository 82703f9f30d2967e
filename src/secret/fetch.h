// SPDX-License-Identifier: MIT
//
// fetch: every secret that a configuration asks for, from wherever it says: the top of this layer.
// Blocks (see secret.h and store.h): at start, at a reload, in the thread pool. Errors name the
// place, never the content.
#ifndef SECRET_FETCH_H
#define SECRET_FETCH_H

#include "base/buf.h"
#include "base/err.h"
#include "secret/secrets.h"

/* Fetches every secret of the configuration, going on after a failure. Returns 0 and a snapshot
 * with one reference, which holds a reference to the configuration; or ERR_CONFIG, *out NULL, and
 * one line for each failure in *errors: "users.app.password: env: APP_PASSWORD: is not set". */
int fetch_secrets(const struct config *config, const struct secrets **out, struct buf *errors);

/* The same for the next configuration of one process: what stores let us in with goes on from the
 * snapshot before. */
int fetch_secrets_after(const struct secrets *previous, const struct config *config,
                        const struct secrets **out, struct buf *errors);

/* Fetches one secret of the configuration anew. Returns 0 and the secret in *out, to be freed with
 * secure_free; NULL for SECRET_NONE. */
int fetch_secret(const struct secrets *secrets, const struct secret_ref *ref, char **out,
                 struct err *err);

#endif
