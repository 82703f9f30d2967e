// SPDX-License-Identifier: MIT
//
// backend_login: the small machine that logs a backend in: startup packet, the authentication that
// the server asks for (none, password, md5, SCRAM-SHA-256), parameters, key, ReadyForQuery. It
// reads and writes bytes only; the backend owns the socket. Deriving SCRAM keys takes milliseconds
// and runs in libuv's thread pool, after which the callback comes. Fails with ERR_SERVER and the
// server's own words, or ERR_CONNECTION for what we cannot do. Freed by the backend in any state;
// secrets are cleared.
#ifndef POOL_BACKEND_LOGIN_H
#define POOL_BACKEND_LOGIN_H

#include "base/err.h"
#include "base/slice.h"

struct backend;
struct backend_login;
struct backend_target;
struct loop;

enum { BACKEND_LOGIN_MORE = 0, BACKEND_LOGIN_DONE = 1 };

/* The result of a step that was taken off the loop, as backend_login_feed would have returned it.
 */
typedef void (*backend_login_cb)(void *data, int result, const struct err *err);

/* The startup packet is ready as output. */
struct backend_login *backend_login_new(struct loop *loop, const struct backend_target *target,
                                        backend_login_cb cb, void *data);
void backend_login_free(struct backend_login *login); /* NULL is allowed */

/* The connection is encrypted: tls-server-end-point of the server's certificate, or empty where
 * there is none. Before anything is fed. */
void backend_login_bind(struct backend_login *login, struct slice binding);

/* Takes what is whole of the view. Returns BACKEND_LOGIN_MORE, _DONE after ReadyForQuery, or a
 * negative code. */
int backend_login_feed(struct backend_login *login, struct slice view, size_t *consumed,
                       struct err *err);

/* What is to be sent now; may be empty. backend_login_sent forgets it. */
struct slice backend_login_output(const struct backend_login *login);
void backend_login_sent(struct backend_login *login);

/* By what it proved itself: "none", "password", "md5", or a SASL mechanism. */
const char *backend_login_method(const struct backend_login *login);

/* After _DONE: moves pid, key and parameters to the backend. */
void backend_login_take(struct backend_login *login, struct backend *b);

#endif
