// SPDX-License-Identifier: MIT
//
// listeners: the sockets that clients come to, and which worker polls which. They are opened as the
// configuration says, or systemd has opened them, or the process that ran before has handed them on
// (handover.h). Each worker has TCP sockets of its own, so that the kernel spreads the clients; a
// Unix socket, and each one of systemd's, has one queue, of which every worker has a copy.
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "base/err.h"
#include "config/config.h"
#include "net/listen.h"

enum { LISTENERS_EACH = 32 }; /* sockets of one worker */

/* What one worker polls. */
struct listener_set {
    int fds[LISTENERS_EACH];
    size_t count;
};

struct listeners {
    struct listen_stock stock; /* systemd's, or handed on */
    bool given;                /* they are systemd's: in the place of the configuration's */
    int unix_fd;               /* the first worker's Unix socket; -1 for none */
    char path[256];            /* of that socket, while its file is ours to remove; else "" */
};

/* Takes what systemd has opened, where it has. */
int listeners_init(struct listeners *l, struct err *err);

/* Fills one set for each worker. */
int listeners_open(struct listeners *l, const struct listen_config *config,
                   struct listener_set *sets, size_t count, struct err *err);

/* The Unix socket's file is another process's from now on. */
void listeners_hand_over(struct listeners *l);

/* Removes the Unix socket's file, where it is ours: nobody listens there any more. Idempotent. */
void listeners_unlink(struct listeners *l);
void listeners_fini(struct listeners *l);

#endif
