// SPDX-License-Identifier: MIT
#include "proxy/addresses.h"

#include <stdlib.h>

#include "base/alloc.h"

struct addresses *addresses_new(void)
{
    struct addresses *addresses = x_zalloc(sizeof *addresses);

    hash_key_init(&addresses->key);
    return addresses;
}

void addresses_free(struct addresses *addresses)
{
    free(addresses);
}

/* The address's counter in a row; clients of the Unix socket count as one address. */
static _Atomic uint32_t *counter(struct addresses *addresses, const struct addr *addr, uint64_t row)
{
    uint64_t hash =
        hash_bytes(&addresses->key, row + 1, slice_of(addr->ip, sizeof addr->ip), false);

    return &addresses->counters[row][hash % ADDRESS_COLUMNS];
}

uint32_t addresses_add(struct addresses *addresses, const struct addr *addr)
{
    uint32_t least = UINT32_MAX;

    for (uint64_t row = 0; row < ADDRESS_ROWS; row++) {
        uint32_t count = atomic_fetch_add(counter(addresses, addr, row), 1) + 1;
        least = count < least ? count : least;
    }
    return least;
}

void addresses_remove(struct addresses *addresses, const struct addr *addr)
{
    for (uint64_t row = 0; row < ADDRESS_ROWS; row++) {
        (void)atomic_fetch_sub(counter(addresses, addr, row), 1);
    }
}
