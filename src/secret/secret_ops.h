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

/* What proves who we are to a service, as a pod finds it: its mode is the platform's business. The
 * error begins with the path. */
int secret_token_read(const char *path, char **out, struct err *err);

/* The same for a file of a folder that is open, by its name there. */
int secret_file_read(int folder, const char *name, char **out, struct err *err);

/* A program that is given a secret, or prints one. */
struct secret_program {
    struct strings argv;
    const struct strings *variables; /* secrets.environment */
    const char *input;  /* what it reads, at most SECRET_SIZE_MAX bytes; NULL: nothing */
    int64_t timeout_ms; /* until it has ended */
    int status;         /* afterwards: how it ended, where it did so with a status */
};

enum { SECRET_PROGRAM_NONE = 44 }; /* the status by which it says: there is no such secret */

/* *out is what it printed, as of secret_take; out is NULL where that is not wanted. */
int secret_program_run(struct secret_program *program, char **out, struct err *err);

/* Cuts one newline off what was read, and copies it, if it is fit to be a secret. */
int secret_take(const char *bytes, size_t n, char **out, struct err *err);

#endif
