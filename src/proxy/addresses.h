// SPDX-License-Identifier: MIT
//
// addresses: how many clients each address has, over all workers, in memory that does not grow with
// their number: a sketch of counters, of which every address has one in each row, and the smallest
// counts. It may say more than there are, when strangers share all counters of an address, never
// less. Atomic; any thread.
#ifndef PROXY_ADDRESSES_H
#define PROXY_ADDRESSES_H

#include <stdatomic.h>

#include "net/addr.h"
#include "tenant/hash.h"

enum { ADDRESS_ROWS = 3, ADDRESS_COLUMN_BITS = 13, ADDRESS_COLUMNS = 1 << ADDRESS_COLUMN_BITS };

struct addresses {
    struct hash_key key;
    _Atomic uint32_t counters[ADDRESS_ROWS][ADDRESS_COLUMNS];
    /* Failed logins: the minute above, their number in it below. */
    _Atomic uint64_t failures[ADDRESS_ROWS][ADDRESS_COLUMNS];
};

struct addresses *addresses_new(void);
void addresses_free(struct addresses *addresses);

/* Counts one client more and returns how many the address has now. */
uint32_t addresses_add(struct addresses *addresses, const struct addr *addr);
void addresses_remove(struct addresses *addresses, const struct addr *addr);

/* Counts a failed login; `now` is a loop's time, of which all loops have the same. */
void addresses_add_failure(struct addresses *addresses, const struct addr *addr, uint64_t now);

/* How many there were in this minute. */
uint32_t addresses_failures(struct addresses *addresses, const struct addr *addr, uint64_t now);

#endif
