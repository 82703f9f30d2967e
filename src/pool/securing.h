// SPDX-License-Identifier: MIT
//
// securing: how a connection to a server comes by TLS, before anything else is said on it: asked
// for with SSLRequest, or begun at once; or not at all, where the mode or the server will not have
// it. Used by backends and by cancel requests, which both own the socket. A server that turns TLS
// down is spoken to in clear only where the mode allows that; after a failed handshake it never is.
// Over a Unix socket there is no TLS, as in libpq. Embedded; one thread.
#ifndef POOL_SECURING_H
#define POOL_SECURING_H

#include "config/config.h"
#include "net/conn.h"

struct securing {
    struct tls_context *context; /* a reference; NULL: in clear */
    enum tls_mode mode;
    bool direct; /* TLS begins without being asked for */
    bool asking; /* one byte of the server is awaited */
};

enum securing_step {
    SECURING_CLEAR,  /* nothing is to be done: go on in clear */
    SECURING_WAITING /* for bytes while .asking, else for conn's on_secured */
};

/* Takes a reference to the context, which may be NULL. `encrypts`: a server that is asked in the
 * mode allow has already refused what was not encrypted. */
void securing_init(struct securing *s, struct tls_context *context, const struct tls_config *tls,
                   bool encrypts);
void securing_copy(struct securing *s, const struct securing *from);
void securing_fini(struct securing *s);

/* The socket is connected, to `host` as it is named in the configuration. A step, or a negative
 * code with err set. */
int securing_begin(struct securing *s, struct conn *conn, const char *host, struct err *err);

/* Bytes came while .asking: exactly one may have. */
int securing_answer(struct securing *s, struct conn *conn, const char *host, struct slice view,
                    struct err *err);

/* What a failed handshake is to whoever waits for the connection. */
int securing_failed(const struct err *reason, struct err *err);

#endif
