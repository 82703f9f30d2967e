// SPDX-License-Identifier: MIT
//
// server: a scripted PostgreSQL server on a loopback port, on the loop of what is tested. Each
// connection is a peer, which the test plays; with `greets` the logins are played by the server
// itself, without a password, so that a test begins where its fact is. Ends the peers that are left
// when it is closed.
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include "peer.h"

struct server {
    struct loop *loop;
    uv_poll_t *poll; /* on fd while it listens, or NULL */
    int fd;          /* listens */
    int reserve;     /* bound and never listening: keeps the port */
    int port;
    bool greets;       /* logs everybody in */
    int accepted;      /* connections so far */
    int given;         /* of them, given out by server_next */
    struct list peers; /* all that are open */
    struct peer *next[64];
};

struct server *server_new(struct loop *loop, bool greets);
void server_close(struct server *server);

/* Refuses whoever comes from now on: the port stays taken, and nobody listens. */
void server_stop_listening(struct server *server);
void server_listen_again(struct server *server);

/* The next connection, in the order in which they came; runs until it is there. */
struct peer *server_next(struct server *server);

/* Plays a login without a password at a peer that has just come; returns the peer. */
struct peer *server_greet(struct peer *peer);

/* What a server says once the password was right; the process id is also part of the key. */
void server_build_greeting(struct buf *out, uint32_t pid);

#endif
