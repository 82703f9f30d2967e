// SPDX-License-Identifier: MIT
//
// admin: the console, on the control thread. A client that logged in to the console's database is
// handed over with admin_accept and speaks SQL-like commands from then on. What lives on a worker
// is never read from here: a question goes there by mail, is answered on that thread, and the
// answers are joined here. All functions are called on the control thread, which owns the struct.
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "net/listen.h"
#include "net/mailbox.h"
#include "proxy/proxy.h"
#include "tenant/roster.h"

struct admin;

struct admin_worker {
    struct mailbox *box;
    struct proxy *proxy; /* touched on its own thread only */
};

enum admin_shutdown {
    ADMIN_SHUTDOWN_IMMEDIATE,
    ADMIN_SHUTDOWN_WAIT_FOR_SERVERS,
    ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS
};

/* Implemented by the daemon. */
struct admin_hooks {
    /* Takes the file anew, or fails with err set and changes nothing. The report gets lines of text
     * for whoever asked. */
    int (*reload)(void *data, struct buf *report, struct err *err);
    /* Begins to end; comes after whoever asked was answered. */
    void (*shutdown)(void *data, enum admin_shutdown mode);
    /* The registry's row of a tenant is another now: it is in force on every worker that is asked
     * after this. */
    void (*tenant_changed)(void *data, const struct roster_record *record);
    /* What admin_make_tenant was asked for is there, or cannot be: then err says why. */
    void (*tenant_answered)(void *data, const char *tenant, const struct err *err);
    /* What is in force; borrowed until the next turn of the loop. */
    const struct realm *(*realm)(void *data);
};

/* The array is copied; boxes and proxies must take mail until admin_close has been called. */
struct admin *admin_new(struct loop *loop, const struct admin_worker *workers, uint32_t count,
                        const struct admin_hooks *hooks, void *data);

/* Takes over the client's socket and its pending bytes. */
void admin_accept(struct admin *admin, struct console_client *client);

/* Opens the HTTP endpoint where the configuration asks for one, on a socket of the stock where
 * there is one. */
int admin_serve_http(struct admin *admin, const struct config *config, struct listen_stock *stock,
                     struct err *err);

/* The endpoint's sockets, borrowed. */
size_t admin_http_sockets(const struct admin *admin, const int **fds);

/* Another process has the endpoint now. */
void admin_hand_over_http(struct admin *admin);

/* From now on it says that clients are refused. */
void admin_note_draining(struct admin *admin);

/* PAUSE and RESUME without a console; nothing happens where it is so already. */
void admin_pause(struct admin *admin);
void admin_resume(struct admin *admin);

/* SUSPEND TENANT without a console; nothing happens where it is suspended already. */
void admin_suspend_tenant(struct admin *admin, const char *tenant);

/* Makes a tenant for those who log in to it (tenancy.unknown: provision); once, however often it is
 * asked for meanwhile. Answers by the hook. */
void admin_make_tenant(struct admin *admin, const char *tenant);

/* Closes every session, and asks the workers nothing more; answers under way are still received.
 * Call it before the workers are told to end. Idempotent. */
void admin_close(struct admin *admin);

/* After admin_close, when the loop has run dry. */
void admin_free(struct admin *admin);

#endif
