// SPDX-License-Identifier: MIT
//
// proxy: one worker's clients and what they share. The worker's thread owns all of it. What lies
// above (the console, the other workers) is reached through the hooks, given once.
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "base/slab.h"
#include "net/conn.h"
#include "pool/pools.h"
#include "proxy/addresses.h"
#include "proxy/directory.h"
#include "proxy/cancel_key.h"
#include "proxy/realm.h"
#include "proxy/role_secret.h"
#include "proxy/slots.h"
#include "proxy/statements.h"

struct proxy;

/* A client that logged in to the console: its socket, and what it has sent already. */
struct console_client {
    struct conn_socket socket;
    struct addr peer;
    char user[64];
    bool admin;         /* else it may only look */
    struct buf pending; /* bytes received and not read yet; the receiver's */
};

struct proxy_hooks {
    /* Takes over the client; it has been told AuthenticationOk. */
    void (*on_console)(void *data, struct console_client *client);
    /* A CancelRequest whose key fits no client of this worker: another may have it, or another
     * process. */
    void (*on_cancel)(void *data, const struct cancel_key *key);
    /* The tenant has tampered as often as limits.tampers says: it is to be suspended. */
    void (*on_tampering)(void *data, const char *tenant);
    /* Somebody who may enter asks for a tenant that is to be made; proxy_tenant_made follows. */
    void (*on_unknown)(void *data, const char *tenant);
    /* A client has gone; for a drain. */
    void (*on_client_gone)(void *data);
    /* How a server is asked for users that the configuration does not name; NULL: not at all. */
    const struct directory_ops *directory;
};

enum proxy_drain {
    PROXY_DRAIN_SERVERS,     /* each client is closed when it is outside a transaction */
    PROXY_DRAIN_CLIENTS,     /* those that are there go on until they leave */
    PROXY_DRAIN_HANDED_OVER, /* likewise, and so do logins that are under way: the next process does
                              * not know of them */
    PROXY_DRAIN_BETWEEN /* each is closed when it is outside a transaction; but who has just come,
                         * or waits for a connection, has one first: others wait in the queue of a
                         * socket that outlives us, and nobody is to be refused */
};

struct proxy {
    struct loop *loop;
    uint32_t worker; /* index, part of the cancel keys */
    struct pools pools;
    const struct realm *realm; /* in force; a reference */
    struct proxy_hooks hooks;
    void *data;                       /* for the hooks */
    _Atomic uint32_t *clients_in_all; /* over all workers, for limits.clients */
    _Atomic uint32_t *logins_in_all;  /* … of them, those that have proved nothing yet */

    struct directory *directory; /* what a server knows of users */
    struct addresses *addresses; /* over all workers; NULL: they are not counted */

    uint32_t message_max;  /* bytes of the largest message from a client */
    struct account *users; /* by user: how many clients each has; uthash by name */
    struct slab frontends;
    struct slots slots;
    struct wanderer *wanderers; /* uthash by key: clients that were greeted on another worker */
    uint8_t cancel_secret[CANCEL_SECRET]; /* makes the keys of its clients */
    struct statements statements;
    struct role_secrets secrets; /* being fetched */
    struct list renewals;        /* for pools whose secret was refused */
    struct list strangers;       /* frontends that owe us a proof, the one silent longest first */
    struct list expecting;       /* frontends whose tenant is being made */
    struct list clients;         /* all frontends */
    uint32_t client_count;
    uint64_t next_client;         /* numbers of frontends: multiples of CREW_IDS */
    struct buf assembly;          /* where switches are put together; valid within one call */
    bool draining;                /* the last client is waited for */
    bool refusing;                /* logins are refused */
    bool lenient;                 /* who has just come may still have one transaction */
    struct deadline patience;     /* armed: the end of that */
    bool closed;                  /* nobody may come any more */
    uint64_t cancels;             /* cancel requests received */
    uint64_t closes[ERR_INDEXES]; /* of clients, by err_index of the reason; 0: they left */
};

void proxy_init(struct proxy *proxy, struct loop *loop, uint32_t worker, const struct realm *realm,
                const struct proxy_hooks *hooks, void *data);

/* A client came to a listener; fd is taken over. */
void proxy_accept(struct proxy *proxy, int fd, const struct addr *peer, bool refuse);

/* A client has gone, wherever it was. */
void proxy_uncount(struct proxy *proxy, const struct addr *peer);

/* Exchanges what is in force; takes over the reference. */
void proxy_set_realm(struct proxy *proxy, const struct realm *realm);

/* A CancelRequest came: a client of this worker is helped, or the hook asked. */
void proxy_cancel(struct proxy *proxy, const struct cancel_key *key);

/* One that came to somebody else; false where the key fits no client of this worker. */
bool proxy_cancel_own(struct proxy *proxy, const struct cancel_key *key);

/* The clients are to go. */
void proxy_drain(struct proxy *proxy, enum proxy_drain how);

/* Closes every client and connection at once; memory follows in later turns, then proxy_fini. */
void proxy_close(struct proxy *proxy);
void proxy_fini(struct proxy *proxy);

#endif
