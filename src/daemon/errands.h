// SPDX-License-Identifier: MIT
//
// errands: what the workers ask of the control thread. Their hooks are called on a worker's thread;
// each becomes a mail to the control thread's box, which calls the operation of the same name.
#ifndef DAEMON_ERRANDS_H
#define DAEMON_ERRANDS_H

#include "daemon/worker.h"

/* Called on the control thread. */
struct errands_ops {
    void (*console)(void *data, struct console_client *client); /* takes over the client */
    /* The key fits no client of the worker that it came to. */
    void (*cancel)(void *data, const struct cancel_key *key);
    void (*tampering)(void *data, const char *tenant);
    void (*unknown)(void *data, const char *tenant);
    void (*drained)(void *data); /* a worker has no client any more */
};

struct errands {
    struct mailbox *box; /* of the control thread */
    const struct errands_ops *ops;
    void *data; /* for the operations */
};

/* For the hooks of workers whose data is a struct errands. */
void errands_console(void *errands, struct console_client *client);
void errands_cancel(void *errands, const struct cancel_key *key);
void errands_tampering(void *errands, const char *tenant);
void errands_unknown(void *errands, const char *tenant);
void errands_drained(void *errands);

#endif
