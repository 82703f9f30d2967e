// SPDX-License-Identifier: MIT
//
// http: /livez, /readyz, /metrics, /api/state and the page at /. Requests are served by
// libmicrohttpd on a thread of its own, which may block: for what the workers have it mails the
// control thread and waits, for a bounded time, so that a loop that stands still is told and not
// waited for. It changes nothing. Made and ended by the control thread.
#ifndef ADMIN_HTTP_H
#define ADMIN_HTTP_H

#include "admin/admin.h"

struct http;

/* Listens as the configuration says, on a socket of the stock where there is one; NULL with err set
 * where it cannot. */
struct http *http_new(struct admin *admin, const struct config *config, struct listen_stock *stock,
                      struct err *err);

/* The sockets that it listens on, borrowed. */
size_t http_sockets(const struct http *http, const int **fds);

/* Ends as http_close does; the file of a Unix socket stays, for who has the socket now. */
void http_hand_over(struct http *http);

/* Answers what is under way and ends the thread. Idempotent. */
void http_close(struct http *http);

/* After http_close, when the admin's box has closed. NULL is allowed. */
void http_free(struct http *http);

#endif
