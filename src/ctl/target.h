// SPDX-License-Identifier: MIT
//
// target: where the console is, and as whom to enter it: what the command line says, else what the
// configuration file says, else the defaults of fahrend.
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include "base/err.h"
#include "config/config.h"
#include "ctl/options.h"

struct target {
    char *host;
    char *port;
    char *user;
    char *database;
    char *password; /* NULL where the file has none that can be used */
};

/* ERR_CONFIG where a file was named and cannot be used; its faults are in *faults, a line each. */
int target_find(const struct options *options, struct target *target, struct buf *faults,
                struct err *err);

/* Where fahrend is, by a configuration that is at hand. */
void target_of(const struct options *options, const struct config *config, struct target *target);

/* The password of a user of the file; NULL where only the daemon can find it. The caller's, to
 * secure_free. */
char *target_password(const struct secret_ref *ref);
void target_fini(struct target *target);

#endif
