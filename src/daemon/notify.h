// SPDX-License-Identifier: MIT
//
// notify: what systemd is told, where it started us: ready, reloading, draining, a line of status,
// and, as often as its watchdog asks, that the loops turn: a mail went to every worker and came
// back. Where a loop stands still nothing is told, and systemd restarts us. Control thread.
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "admin/admin.h"

struct notify {
    struct loop *loop;
    struct admin *admin;
    struct deadline deadline; /* the next pulse */
    uint64_t period;          /* ms; 0: systemd does not watch */
    bool asked;               /* a pulse is under way */
};

/* The service is ready; begins to answer the watchdog. */
void notify_ready(struct notify *n, struct loop *loop, struct admin *admin);
void notify_reloading(void);
void notify_reloaded(void);

/* A line that `systemctl status` shows. */
void notify_status(const char *text);
void notify_stopping(void);

/* Before admin_close. Idempotent. */
void notify_stop(struct notify *n);

#endif
