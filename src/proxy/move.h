// SPDX-License-Identifier: MIT
//
// move: a client on its way from the worker that accepted it to the one on which its pool lives.
// Its password was right, and it has been told so; its connection, what it has sent since, and its
// login travel as one mail, and the other worker lets it enter. One whose tenant was changed goes
// with luggage in place of a login. It stays counted meanwhile. Made on
// one thread, used up on the other; in between it belongs to the mailbox.
#ifndef PROXY_MOVE_H
#define PROXY_MOVE_H

#include "proxy/frontend.h"

struct move {
    struct mail mail;
    struct proxy *to;
    struct conn_socket socket;
    struct buf in;              /* bytes received and not used yet */
    struct client_login *login; /* which is over; NULL for one with … */
    struct luggage *luggage;    /* … which has logged in before; else NULL */
    const struct realm *realm;  /* that it logged in under; a reference */
    struct addr peer;
    uint64_t id;
    uint64_t connected_at;
};

/* Posts it; the other worker's thread goes on in frontend_arrive. */
void move_post(struct move *move, const struct crew *crew, uint32_t worker);

/* Nobody takes it in any more. */
void move_drop(struct move *move);

#endif
