// SPDX-License-Identifier: MIT
//
// handover: how a new process takes the place of one that runs. The one that runs listens on the
// socket .s.fahrend.PORT in listen.unix_dir, which only its own user may connect to.
//
//     new                              old
//     TAKE                       ──▶
//                                ◀──   its listening sockets, its own predecessors, END
//     builds everything, begins to accept; both take clients now
//     READY                      ──▶   stops to listen and drains
//
// What is handed on are the sockets themselves, with the clients that wait in their queues: closing
// a socket of its own would reset those, and a second one on the same port (SO_REUSEPORT) does not
// help them. Until READY nothing has changed for the old process; should the new one fail, it goes
// on. The connection between the two stays: a cancel request that fits nobody here is sent to every
// process at the other end of one, so the newest reaches all that still drain, and they reach it.
// Without listen.unix_dir there is no such place, and nothing is handed over.
//
// Control thread. The new process's side of the conversation blocks, before its loop runs.
#ifndef DAEMON_HANDOVER_H
#define DAEMON_HANDOVER_H

#include "base/list.h"
#include "config/config.h"
#include "net/listen.h"
#include "proxy/cancel_key.h"

/* What goes over. Sockets are borrowed from the old process, and the new one's own. */
struct handover_goods {
    struct listen_stock clients; /* sockets that clients come to */
    struct listen_stock http;    /* the HTTP endpoint's */
    bool given; /* the clients' are systemd's: in the place of the configuration's */
};

struct handover_hooks {
    /* Somebody is to take over: fills the goods, whose arrays are freed for it. */
    void (*on_take)(void *data, struct handover_goods *goods);
    /* They are somebody else's now. */
    void (*on_taken)(void *data);
    /* A cancel request that another process has nobody for. */
    void (*on_cancel)(void *data, const struct cancel_key *key);
};

struct handover {
    uv_loop_t *uv; /* NULL before handover_start */
    struct handover_hooks hooks;
    void *data;           /* for the hooks */
    uv_poll_t poll;       /* where one that is to take over connects */
    int fd;               /* of it; -1: nobody can */
    char path[108];       /* of it, while its file is ours; else "" */
    uint64_t inode;       /* of that file: another's may have taken its place */
    struct list channels; /* to other processes */
    bool taker;           /* one of them is about to take over, and nobody else can */
};

void handover_init(struct handover *h);

/* Asks the process that runs. Returns 1 with goods, 0 where none runs, or a negative code with err
 * set. */
int handover_take(struct handover *h, const struct listen_config *config,
                  struct handover_goods *goods, struct err *err);

/* We accept clients: tells the one that ran, and can be asked from now on. Where that cannot be,
 * the log says so. */
void handover_start(struct handover *h, uv_loop_t *uv, const struct listen_config *config,
                    const struct handover_hooks *hooks, void *data);

/* To every other process that is known. */
void handover_send_cancel(const struct handover *h, const struct cancel_key *key);

/* Closes all. Idempotent. */
void handover_stop(struct handover *h);

#endif
