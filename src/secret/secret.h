// SPDX-License-Identifier: MIT
//
// secret: fetches one secret from where the configuration says it is, unless that is a store: see
// store.h. Blocks: on a file, or up to
// SECRET_EXEC_TIMEOUT_MS on a program. So it runs at start, in the control thread or in the thread
// pool, never on a loop. Errors name the place ("file: /run/secrets/app: …"), never the content.
// Any thread, as long as none changes the environment.
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include "base/err.h"
#include "config/config.h"

enum {
    SECRET_SIZE_MAX = 64 * 1024,   /* bytes of a secret */
    SECRET_EXEC_TIMEOUT_MS = 10000 /* until a program has printed it and ended */
};

/* Returns 0 and the secret in *out, to be freed with secure_free; NULL for SECRET_NONE. Else a
 * negative code with err set, and *out is NULL. One newline at the end of a file, or of what a
 * program prints, is not part of the secret; an empty secret is an error. */
int secret_resolve(const struct secret_ref *ref, char **out, struct err *err);

#endif
