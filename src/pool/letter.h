// SPDX-License-Identifier: MIT
//
// letter: what the pools of one worker tell those of another: that they starve for connections to a
// server, that a place is theirs, that a tenant has links to spare again. It names a server or a
// tenant, since pointers are a worker's own. Sent on one thread, read on the other.
#ifndef POOL_LETTER_H
#define POOL_LETTER_H

#include <stdint.h>

struct pools;

enum letter_kind {
    LETTER_STARVING, /* close an idle connection to this server, if there is one */
    LETTER_PLACE,    /* one place in this server's budget is handed to you */
    LETTER_LINKS     /* this tenant has links to spare: those who stand aside may try again */
};

/* `worker` is another than the sender's. */
void letter_post(const struct pools *from, uint32_t worker, enum letter_kind kind,
                 const char *name);

/* The same to each worker whose bit is set. */
void letter_post_all(const struct pools *from, uint64_t workers, enum letter_kind kind,
                     const char *name);

#endif
