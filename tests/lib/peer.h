// SPDX-License-Identifier: MIT
//
// peer: the scripted other end of a connection, on the loop of what is tested: a test says what it
// sends and what it expects, in order; expecting runs the loop until it is there. Letters stand for
// whole messages: see script.h. Everything that came must have been expected when the peer is
// closed, so that a byte too many is found. Allocated by peer_new, freed after peer_close.
#ifndef TEST_PEER_H
#define TEST_PEER_H

#include "base/buf.h"
#include "net/loop.h"

struct peer {
    uv_poll_t poll;
    struct loop *loop;
    int fd;
    struct buf got;                      /* received and not taken yet */
    struct buf out;                      /* to be sent when the socket takes it */
    struct buf body;                     /* of the message taken last */
    bool ended;                          /* the other side closed */
    bool deaf;                           /* reads nothing */
    bool tarries;                        /* does not close its end when the other side has */
    void (*on_bytes)(struct peer *peer); /* called when bytes came; NULL for none */
    void *data;                          /* for it */
    struct list node;                    /* in whatever list it stands */
};

/* Takes over fd and makes it non-blocking. */
struct peer *peer_new(struct loop *loop, int fd);

/* Both ends of a socket pair: one as a peer, the other as a descriptor. */
struct peer *peer_pair(struct loop *loop, int *other);

/* Closes; what came must have been taken. */
void peer_close(struct peer *peer);

/* The same, whatever came. */
void peer_drop(struct peer *peer);

void peer_send(struct peer *peer, struct slice bytes);
void peer_send_buf(struct peer *peer, struct buf *bytes); /* and releases it */

/* Stops to read; starts again. */
void peer_set_deaf(struct peer *peer, bool deaf);

/* Takes a packet without a type, as a startup packet is, and returns what follows its length. */
struct slice peer_take_untyped(struct peer *peer);

/* Runs until n bytes are there, and leaves them. */
void peer_await(struct peer *peer, size_t n);

/* Takes n bytes; valid until the next one. */
struct slice peer_take_bytes(struct peer *peer, size_t n);
void peer_expect_bytes(struct peer *peer, struct slice bytes);

/* Takes the next message, which must be of this type, and returns its body, valid until the next
 * one. */
struct slice peer_take(struct peer *peer, char type);

/* Takes messages of these types in order; behind 'Z' stands its status. */
void peer_expect(struct peer *peer, const char *types);

/* Runs until the other side has closed; nothing may be left. */
void peer_expect_end(struct peer *peer);

#endif
