// SPDX-License-Identifier: MIT
//
// chop: a forwarder between fahrend and the server that cuts what both say into segments of random
// sizes, and, where asked for, now and then ends a connection in the middle. One thread.
#ifndef ORACLE_CHOP_H
#define ORACLE_CHOP_H

#include "base/list.h"
#include "reactor.h"
#include "rng.h"

struct chop {
    struct source listener;
    struct reactor *reactor;
    struct rng rng;
    uint16_t server;
    uint32_t kill_one_in; /* segments; 0 for never */
    struct list pairs;
    uint64_t connections;
    uint64_t kills;
};

void chop_start(struct chop *chop, struct reactor *reactor, uint16_t port, uint16_t server,
                uint64_t seed);
void chop_stop(struct chop *chop);

/* Bytes of the next segment. */
uint32_t chop_size(struct rng *rng);

#endif
