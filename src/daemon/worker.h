// SPDX-License-Identifier: MIT
//
// worker: a thread with one loop, its own listening sockets, its clients and its pools. Others
// reach it through its mailbox only. Its thread ends when it was told to stop and all that lived on
// it has gone; its mailbox takes mail until all threads have ended.
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <time.h>

#include "daemon/listeners.h"
#include "net/mailbox.h"
#include "proxy/proxy.h"

struct worker;

struct worker_hooks {
    /* Called on the worker's thread. The client is the receiver's. */
    void (*on_console)(void *data, struct console_client *client);
    void (*on_cancel)(void *data, const struct cancel_key *key);
    void (*on_tampering)(void *data, const char *tenant);
    void (*on_unknown)(void *data, const char *tenant);
    /* The last client has gone while draining. */
    void (*on_drained)(void *data);
};

struct worker {
    uv_thread_t thread;
    struct loop loop;
    struct mailbox mailbox;
    struct proxy proxy;
    struct listener_set sockets; /* that the listeners start with */
    struct listener listeners[LISTENERS_EACH];
    struct worker_hooks hooks;
    void *data;
    bool started;
};

/* What all workers have in common. */
struct worker_shared {
    struct crew crew;
    _Atomic uint32_t clients;    /* in all */
    _Atomic uint32_t logins;     /* of them, those that have proved nothing yet */
    struct addresses *addresses; /* of the clients */
};

/* Prepares a worker and makes it one of the crew; takes over the sockets and the
 * realm's reference. */
int worker_init(struct worker *w, const struct listener_set *sockets, const struct realm *realm,
                struct worker_shared *shared, const struct worker_hooks *hooks, void *data);
int worker_start(struct worker *w);

/* The following post mail and may be called from any thread. */
void worker_set_realm(struct worker *w, const struct realm *realm); /* takes over the reference */

/* Lets the clients of these tenants (names, each with a NUL; copied) follow the realm. */
void worker_refresh(struct worker *w, struct slice names);

/* Clients that expect the tenant go on, or end with the error. */
void worker_answer(struct worker *w, const char *tenant, const struct err *err);
void worker_cancel(struct worker *w, const struct cancel_key *key);

/* With `empty` those who wait in the sockets' queues are taken first. */
void worker_stop_listening(struct worker *w, bool empty);
void worker_drain(struct worker *w, enum proxy_drain how);
void worker_stop(struct worker *w);

/* After worker_stop: waits for the thread until then, by the wall clock. False: it has not
 * ended, a step of a login does not come back. */
bool worker_join(struct worker *w, const struct timespec *until);

/* When all threads have ended: delivers the last mail and frees what the worker had. */
void worker_fini(struct worker *w);

#endif
