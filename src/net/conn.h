// SPDX-License-Identifier: MIT
//
// conn: a connected socket on a loop, polled by descriptor, read and written by ourselves, so that
// it can move to another loop and so that an idle one owns no buffer.
//
//   read      on_readable says that bytes may be there; conn_pull fetches them into the loop's
//   scratch,
//             behind what was kept of the time before; conn_keep keeps what was not consumed
//   write     conn_send writes at once; what the socket does not take is kept, and on_drained says
//   when
//             it is gone: until then the source of the bytes should be paused
//   pause     lazy: polling is only changed when an event arrives that nobody wants; from then on
//             on_deserted tells when the peer leaves
//   TLS       conn_start_tls begins it, on_secured says how it went; from then on all of the above
//   is the
//             same. Handshakes have a budget in each turn, so that a storm of them delays nobody
//   close     conn_close may be called from any callback; the struct is free to go in on_closed
//
// Errors of the socket are returned by conn_pull and conn_send as negative codes; 0 from conn_pull
// is the end of the stream. Embedded in its owner; belongs to the loop's thread.
#ifndef NET_CONN_H
#define NET_CONN_H

#include <sys/uio.h>

#include "base/buf.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/watch.h"

struct conn;

struct conn_ops {
    void (*on_readable)(struct conn *conn);
    void (*on_drained)(struct conn *conn);
    void (*on_closed)(struct conn *conn);
    /* The peer has left while the owner wants no bytes; what it said last can still be read. May be
     * NULL. */
    void (*on_deserted)(struct conn *conn);
    /* The TLS handshake is over; it failed where err is set, and then the connection is to be
     * closed. May be NULL for who never starts one. */
    void (*on_secured)(struct conn *conn, const struct err *err);
};

/* A connected socket on its way from one conn to another. */
struct conn_socket {
    int fd;          /* non-blocking */
    struct tls *tls; /* NULL without */
};

struct conn {
    struct watch watch; /* its descriptor, and what is polled for */
    struct loop *loop;
    const struct conn_ops *ops;
    struct buf out;  /* bytes that the socket would not take yet */
    struct tls *tls; /* NULL without */
    bool paused;     /* the owner wants no bytes now */
    bool broken;     /* a write failed: the next event is handed up even when paused */
    bool closing;
};

/* Takes over fd, which must be non-blocking, and starts to poll for bytes. On an error fd is still
 * the caller's. */
int conn_open(struct conn *conn, struct loop *loop, int fd, const struct conn_ops *ops);

/* The same for a socket that another conn has let go, with its TLS. */
int conn_adopt(struct conn *conn, struct loop *loop, struct conn_socket socket,
               const struct conn_ops *ops);

/* Gives up what was let go and is not wanted. */
void conn_socket_close(struct conn_socket socket);

/* Begins TLS: nothing may have been kept to be written, and what was read belongs to before.
 * on_secured follows, from the loop. A negative code: nothing has begun. */
int conn_start_tls(struct conn *conn, const struct tls_start *start);

/* The first byte that was not read yet, which stays; UV_EAGAIN, UV_EOF, or another negative code.
 * Not with TLS. */
int conn_peek(struct conn *conn);

/* As conn_pull, but what came stays in the socket, for conn_skip. Not with TLS. */
ssize_t conn_look(struct conn *conn, const struct buf *in, struct slice *view);

/* Takes n bytes out of the socket that conn_look has shown. */
void conn_skip(struct conn *conn, size_t n);

/* Fetches bytes: *view is what was kept in `in` and what came. Returns the count that came (> 0), 0
 * at the end of the stream, UV_EAGAIN, or another negative code. The view is valid until conn_keep.
 */
ssize_t conn_pull(struct conn *conn, struct buf *in, struct slice *view);

/* Keeps view.n - consumed bytes in `in`; gives its memory back when nothing is left. */
void conn_keep(struct buf *in, struct slice view, size_t consumed);

/* The same for bytes that hold a secret: the view, and what was kept, is overwritten. */
void conn_keep_secret(struct conn *conn, struct buf *in, struct slice view, size_t consumed);

/* Overwrites a view of a connection whose `in` may be gone already. */
void conn_wipe(struct conn *conn, struct slice view);

/* Sends the pieces (at most 16). Returns 0 when all is written, 1 when something was kept, or a
 * negative code. */
int conn_send(struct conn *conn, struct iovec *pieces, int count);
int conn_send_slice(struct conn *conn, struct slice bytes);

static inline bool conn_blocked(const struct conn *conn)
{
    return buf_size(&conn->out) > 0;
}

static inline void conn_pause(struct conn *conn)
{
    conn->paused = true;
}

/* Wants bytes again; what is already in the socket gives an event. */
void conn_resume(struct conn *conn);

/* Stops at once; on_closed follows in a later turn. Idempotent. What was kept to be written is
 * dropped, but what the socket took reaches the peer: unread bytes are drained first, so that no
 * reset overtakes it. */
void conn_close(struct conn *conn);

/* Takes the socket out, to move it, also to another loop: on_closed follows as after conn_close. No
 * handshake may be under way, and nothing kept to be written. */
struct conn_socket conn_detach(struct conn *conn);

#endif
