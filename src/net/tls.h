// SPDX-License-Identifier: MIT
//
// tls: the TLS of one connection, over its non-blocking descriptor. conn drives it: first the
// handshake, then bytes in and out; nobody else calls what stands under "for conn". What the
// handshake told (host asked for, certificate) can be asked as long as the connection lives. Idle,
// it owns no buffer. Allocated, owned by its conn, or by who moves the conn; one thread at a time.
#ifndef NET_TLS_H
#define NET_TLS_H

#include <openssl/x509v3.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/slice.h"
#include "net/loop.h"
#include "net/tls_context.h"

/* Bytes that go into one record at most. */
#define TLS_RECORD 16384

#define TLS_FIRST_BYTE 0x16 /* of a handshake */

#define TLS_BINDING_MAX 64 /* bytes of a hash */
#define TLS_NAMES_MAX   16 /* host names that are looked at in a certificate */

struct conn;

struct tls {
    SSL *ssl;
    struct conn *conn;           /* whose socket it protects */
    struct tls_context *context; /* a reference */
    struct work again;    /* conn's: bytes are left inside, so that no event will tell of them */
    GENERAL_NAMES *names; /* of the peer's certificate, once they were asked for */
    bool shaking;         /* the handshake is not over */
    bool more;            /* bytes are left inside */
    bool read_waits;      /* a read waits until the socket can be written */
    bool write_waits;     /* a write waits until the socket can be read */
    bool failed;          /* nothing more can be said on it */
    bool wants_write;     /* the handshake waits until the socket can be written */
    bool must_name;       /* server: whoever does not name our protocol (ALPN) is refused */
};

/* How a connection begins. */
struct tls_start {
    struct tls_context *context; /* a reference is taken */
    const char *host;            /* client: whom we ask for, NULL for nobody; else ignored */
    bool check_host;             /* client: the certificate must be the host's */
    bool must_name;              /* server: ALPN must have been used */
};

/* NULL when memory is out, or the host is no name. */
struct tls *tls_new(const struct tls_start *start, int fd);
void tls_free(struct tls *tls); /* NULL is allowed; the descriptor stays */

/* ---- what the handshake told ---- */

/* "TLSv1.3/TLS_AES_256_GCM_SHA384" */
void tls_describe(const struct tls *tls, char *out, size_t size);

/* The host that the client asked for, or empty. */
struct slice tls_host(const struct tls *tls);

/* Whether the peer showed a certificate, which then was good. */
bool tls_has_peer(const struct tls *tls);

/* The common name in it; the names of hosts in it, at most TLS_NAMES_MAX. They lie in the
 * connection's own certificate; empty or 0 where there is none. */
struct slice tls_peer_name(const struct tls *tls);
size_t tls_peer_hosts(struct tls *tls, struct slice *names);

/* tls-server-end-point (RFC 5929): the hash of the server's certificate, be it ours or the peer's.
 * Returns its size; 0 where it is not defined. */
size_t tls_binding(const struct tls *tls, uint8_t out[TLS_BINDING_MAX]);

/* ---- for conn ---- */

/* 0 when done, UV_EAGAIN (tls.wants_write says for what it waits), else a code with err set. */
int tls_handshake(struct tls *tls, struct err *err);

/* As recv: the count, 0 at the end, or a negative code; sets tls.more. */
ssize_t tls_read(struct tls *tls, uint8_t *p, size_t n);

/* As sendmsg. What was not taken must be given again from there on. `record` has TLS_RECORD bytes
 * of scratch, in which small pieces become one. */
ssize_t tls_write(struct tls *tls, const struct iovec *pieces, int count, uint8_t *record);

/* Says goodbye, where that is possible at once. */
void tls_shutdown(struct tls *tls);

#endif
