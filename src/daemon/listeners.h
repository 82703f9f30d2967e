// SPDX-License-Identifier: MIT
//
// listeners: opens what the configuration says to listen on, once for every worker. Blocking; at
// start only.
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "base/err.h"
#include "config/config.h"

/* Appends descriptors for one worker to fds (room for cap) and returns how many, or a negative code
 * with err set. The Unix socket is opened for worker 0 only. */
int listeners_open(const struct listen_config *config, unsigned worker, int *fds, size_t cap,
                   struct err *err);

/* Removes the Unix socket's file, when nothing listens on it any more. */
void listeners_unlink(const struct listen_config *config);

#endif
