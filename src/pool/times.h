// SPDX-License-Identifier: MIT
//
// times: how long things took, as histograms with fixed bounds. Kept for each tenant in a database
// and for each pool, so that sums over servers and workers can be made of them. A time is of the
// loop's clock, in milliseconds: recording reads no clock and allocates nothing. Plain memory;
// whoever holds the struct owns it.
#ifndef POOL_TIMES_H
#define POOL_TIMES_H

#include <stdint.h>

enum time_kind {
    TIME_WAIT,        /* a client stood in a queue, or did not have to */
    TIME_TRANSACTION, /* it had a server connection */
    TIME_QUERY,       /* a server worked for it */
    TIME_LOGIN,       /* from its connecting to its greeting */
    TIME_SWITCH,      /* from sending a switch to its confirmation */
    TIME_KINDS
};

/* Upper bounds in ms, inclusive; one more bucket holds what lies beyond. */
#define TIME_BOUNDS                                                                                \
    {                                                                                              \
        1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 60000                         \
    }
enum { TIME_BUCKETS = 15 };

struct histogram {
    uint64_t sum_us;
    uint32_t counts[TIME_BUCKETS]; /* of each bucket by itself; may wrap around */
};

struct times {
    struct histogram of[TIME_KINDS];
};

static inline void histogram_note(struct histogram *h, uint64_t ms)
{
    static const uint32_t bounds[TIME_BUCKETS - 1] = TIME_BOUNDS;
    uint32_t i = 0;

    while (i < TIME_BUCKETS - 1 && ms > bounds[i]) {
        i++;
    }
    h->counts[i]++;
    h->sum_us += ms * 1000;
}

static inline void times_add(struct times *to, const struct times *times)
{
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        to->of[kind].sum_us += times->of[kind].sum_us;
        for (int i = 0; i < TIME_BUCKETS; i++) {
            to->of[kind].counts[i] += times->of[kind].counts[i];
        }
    }
}

#endif
