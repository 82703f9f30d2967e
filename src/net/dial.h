// SPDX-License-Identifier: MIT
//
// dial: makes a connection to a server. Names are resolved in libuv's thread pool; the addresses of
// all hosts are tried in order until one answers. The callback comes exactly once, from the loop,
// with a connected non-blocking socket or a negative code and a text that names the last host
// tried; the dial frees itself. After dial_cancel there is no callback. Owner: the loop's thread.
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "base/err.h"
#include "net/addr.h"
#include "net/loop.h"

struct dial;

struct dial_result {
    int fd;                /* connected, non-blocking, the receiver's; -1 on failure */
    struct addr peer;      /* valid where fd is */
    const char *host;      /* the one of `hosts` that answered; NULL on failure */
    const struct err *err; /* NULL on success */
};

typedef void (*dial_cb)(void *data, const struct dial_result *result);

/* Where to connect to; all pointers stay valid until the callback. */
struct dial_hosts {
    const char *const *names; /* names, addresses or socket directories ("/…") */
    size_t count;
    size_t first; /* the one to be tried first; any number */
    int port;
};

/* timeout_ms bounds the whole dial; 0 for none. */
struct dial *dial_start(struct loop *loop, const struct dial_hosts *hosts, uint64_t timeout_ms,
                        dial_cb cb, void *data);

/* No callback will come; what is under way is given up. */
void dial_cancel(struct dial *dial);

#endif
