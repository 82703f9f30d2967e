// SPDX-License-Identifier: MIT
//
// workers: all of them together: made, told the same, ended. They see each other as a crew, which
// is filled before the first thread starts. Control thread.
#ifndef DAEMON_WORKERS_H
#define DAEMON_WORKERS_H

#include "daemon/errands.h"
#include "daemon/listeners.h"
#include "daemon/worker.h"

struct workers {
    struct worker *items;
    size_t count;
    struct worker_shared shared;
    bool listening; /* they were not told to stop it */
    bool one_queue; /* their sockets' queues are other processes' as well, and outlive us */
};

/* As many as the configuration says, with their sockets, but no thread yet. After an error
 * workers_fini is due as well. */
int workers_init(struct workers *workers, struct listeners *listeners, const struct realm *realm,
                 struct errands *errands, struct err *err);
int workers_start(struct workers *workers, struct err *err);

/* Each posts the same to every worker. */
void workers_set_realm(struct workers *workers, const struct realm *realm);
void workers_refresh(struct workers *workers, struct slice names);
void workers_answer(struct workers *workers, const char *tenant, const struct err *err);
void workers_drain(struct workers *workers, enum proxy_drain how);
void workers_stop(struct workers *workers);

/* Posts to the worker that the key names, where there is one. */
void workers_cancel(struct workers *workers, const struct cancel_key *key);

/* After workers_stop: waits until all threads have ended, and delivers their last mail. False: it
 * took too long, and the process can only be ended as it is. */
bool workers_join(struct workers *workers);
void workers_fini(struct workers *workers);

#endif
