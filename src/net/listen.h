// SPDX-License-Identifier: MIT
//
// listen: listening sockets. Every worker has its own for each address (SO_REUSEPORT), so the
// kernel spreads the clients; a Unix socket has one descriptor that the workers share. At most
// LISTEN_ACCEPTS clients are taken in one turn, so that a storm of them cannot starve running
// sessions. When descriptors run out one kept in reserve is spent on telling the client so. Owner:
// the worker's thread.
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/err.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/watch.h"

#define LISTEN_ACCEPTS 16

struct listener;

/* A client came. fd is non-blocking and the receiver's. `refuse`: descriptors ran out; say so and
 * close. */
typedef void (*listen_cb)(struct listener *listener, int fd, const struct addr *peer, bool refuse);

struct listener {
    struct watch watch;
    struct loop *loop;
    listen_cb on_client;
    void *data;  /* the owner's */
    int reserve; /* an open descriptor to give up when others cannot be had; -1 for none */
    bool closing;
};

/* Sockets that listen already, taken over from another process. What is opened below is looked for
 * here first: a socket that was handed on loses no client that waits in its queue. */
struct listen_stock {
    int *fds; /* owned */
    size_t count;
};

/* Takes over the descriptor. */
void listen_stock_add(struct listen_stock *stock, int fd);

/* Takes out one that is bound to the same address as `like`; -1 where there is none. */
int listen_stock_take_like(struct listen_stock *stock, int like);

/* Closes what is left. */
void listen_stock_close(struct listen_stock *stock);

/* Opens a socket for one address ("127.0.0.1", "::1", "localhost", "*" is both families and gives
 * up to two) and appends to fds (room for cap); returns how many were opened, or a negative code
 * with err set. Blocking look-up. The stock may be NULL. */
int listen_open_tcp(const char *host, int port, struct listen_stock *stock, int *fds, int cap,
                    struct err *err);

/* Opens the socket DIR/.s.PGSQL.PORT, removing a stale one; a living one is an error, unless it is
 * in the stock (which may be NULL). Returns the fd. */
int listen_open_unix(const char *dir, int port, struct listen_stock *stock, struct err *err);

/* The same for a socket of any name. */
int listen_open_path(const char *path, struct listen_stock *stock, struct err *err);

/* Starts to accept on a descriptor that is listening; closes it at listener_close. */
int listener_start(struct listener *listener, struct loop *loop, int fd, listen_cb cb, void *data);

/* Takes all clients that wait in the queue: before the close of a socket that nobody else has, for
 * the kernel would reset them. */
void listener_empty(struct listener *listener);

/* Stops at once; idempotent. The struct is free to go. */
void listener_close(struct listener *listener);

#endif
