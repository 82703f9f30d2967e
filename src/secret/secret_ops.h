// SPDX-License-Identifier: MIT
//
// secret_ops: what each kind of source offers to secret.c. Private to this layer. All of them block
// and follow secret_resolve in what they return.
#ifndef SECRET_SECRET_OPS_H
#define SECRET_SECRET_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct secret_ops {
    const char *name; /* for messages: "file" */
    int (*resolve)(const struct secret_ref *ref, char **out, struct err *err);
};

int secret_file_resolve(const struct secret_ref *ref, char **out, struct err *err);
int secret_exec_resolve(const struct secret_ref *ref, char **out, struct err *err);

/* The same with another bound, in ms. */
int secret_exec_run(const struct strings *argv, int64_t timeout_ms, char **out, struct err *err);

/* Cuts one newline off what was read, and copies it, if it is fit to be a secret. */
int secret_take(const char *bytes, size_t n, char **out, struct err *err);

#endif
