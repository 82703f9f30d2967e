// SPDX-License-Identifier: MIT
//
// client_login: the small machine that finds out who a client is: startup packet, parameters,
// tenant, and the exchange that proves the password. It reads and writes bytes only; the frontend
// owns the socket. What a client may learn follows PostgreSQL's order: an unknown user goes through
// the same exchange as a wrong password, and nothing is said of its tenant before the password was
// right. What takes milliseconds, or blocks, runs in libuv's thread pool, after which the callback
// comes. Finding out is client_search's part, proving client_proof's. Lives from the first byte to
// the end of the login; secrets are cleared. One thread.
#ifndef PROXY_CLIENT_LOGIN_H
#define PROXY_CLIENT_LOGIN_H

#include "proxy/cancel_key.h"
#include "proxy/client_identity.h"
#include "proxy/client_origin.h"
#include "proxy/client_search.h"

struct client_login;
struct loop;

enum client_login_result {
    CLIENT_LOGIN_MORE = 0, /* send the output, wait for bytes */
    CLIENT_LOGIN_DONE,     /* the client is who it says */
    CLIENT_LOGIN_CANCEL,   /* it was a CancelRequest */
    CLIENT_LOGIN_SECURE,   /* send the output, then begin TLS; client_login_secured follows */
    CLIENT_LOGIN_WORKING   /* the callback will come; feed nothing meanwhile */
};

typedef void (*client_login_cb)(void *data, int result, const struct err *err);

/* Copies the origin. */
struct client_login *client_login_new(const struct client_login_needs *needs,
                                      const struct client_origin *origin, client_login_cb cb,
                                      void *data);
void client_login_free(struct client_login *login); /* NULL is allowed */

/* Takes what is whole of the view. A negative code is fatal: err is what the client is told. */
int client_login_feed(struct client_login *login, struct slice view, size_t *consumed,
                      struct err *err);

/* A load balancer has told whose connection it is. */
void client_login_relayed(struct client_login *login, const struct addr *peer);

/* TLS is in force. What was said before it counts for nothing. */
void client_login_secured(struct client_login *login, struct tls *tls);

struct slice client_login_output(const struct client_login *login);
void client_login_sent(struct client_login *login);

const struct client_identity *client_login_identity(const struct client_login *login);

/* After _CANCEL. */
struct cancel_key client_login_cancel_key(const struct client_login *login);

#endif
