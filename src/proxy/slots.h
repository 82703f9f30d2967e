// SPDX-License-Identifier: MIT
//
// slots: the numbers by which clients are found again when a CancelRequest comes. The "process id"
// that a client is told holds the worker's index and the client's slot, its "secret key" is random;
// so a request may land anywhere, and is looked up without a search. One table per worker, one
// thread.
#ifndef PROXY_SLOTS_H
#define PROXY_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* A positive 31-bit number: 1 bit of one, 6 of the worker, 24 of the slot. */
#define SLOT_BITS    24
#define SLOT_WORKERS 64

struct frontend;

struct slots {
    struct frontend **table; /* NULL where free */
    uint32_t *free;          /* stack of free slots */
    uint32_t free_count;
    uint32_t size;
};

static inline uint32_t slot_pid(uint32_t worker, uint32_t slot)
{
    return 1U << 30 | worker << SLOT_BITS | slot;
}

static inline uint32_t slot_worker(uint32_t pid)
{
    return pid >> SLOT_BITS & (SLOT_WORKERS - 1);
}

/* The slot given to a client. */
uint32_t slots_take(struct slots *slots, struct frontend *frontend);
void slots_give(struct slots *slots, uint32_t slot);

/* NULL when the slot of this pid is free. */
struct frontend *slots_find(const struct slots *slots, uint32_t pid);
void slots_fini(struct slots *slots);

#endif
