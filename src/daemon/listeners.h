// SPDX-License-Identifier: MIT
//
// listeners: opens what the configuration says to listen on, once for every worker. Blocking; at
// start only.
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "base/err.h"
#include "config/config.h"

/* Puts descriptors for one worker into fds (room for cap) and returns how many, or a negative code
 * with err set. Each worker has TCP sockets of its own. There is one Unix socket: *unix_fd is -1
 * for the first worker, and what the others get a copy of. Sockets that systemd opened for us are
 * taken instead of the configuration's; every worker gets copies of all of them. */
int listeners_open(const struct listen_config *config, int *unix_fd, int *fds, size_t cap,
                   struct err *err);

/* Removes the Unix socket's file, where it is ours, when nothing listens on it any more. */
void listeners_unlink(const struct listen_config *config);

#endif
