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

/* One hash holds the address's place in every row; clients of the Unix socket count as one
 * address. */
static uint64_t places_of(const struct addresses *addresses, const struct addr *addr)
{
    return hash_bytes(&addresses->key, 0, slice_of(addr->ip, sizeof addr->ip), false);
}

static size_t column(uint64_t places, uint64_t row)
{
    return (places >> (row * ADDRESS_COLUMN_BITS)) % ADDRESS_COLUMNS;
}

uint32_t addresses_add(struct addresses *addresses, const struct addr *addr)
{
    uint64_t places = places_of(addresses, addr);
    uint32_t least = UINT32_MAX;

    for (uint64_t row = 0; row < ADDRESS_ROWS; row++) {
        uint32_t count = atomic_fetch_add(&addresses->counters[row][column(places, row)], 1) + 1;
        least = count < least ? count : least;
    }
    return least;
}

void addresses_remove(struct addresses *addresses, const struct addr *addr)
{
    uint64_t places = places_of(addresses, addr);

    for (uint64_t row = 0; row < ADDRESS_ROWS; row++) {
        (void)atomic_fetch_sub(&addresses->counters[row][column(places, row)], 1);
    }
}

/* The minute in the upper half. */
static uint64_t minute_of(uint64_t now)
{
    return (now / 60000 + 1) << 32;
}

void addresses_add_failure(struct addresses *addresses, const struct addr *addr, uint64_t now)
{
    uint64_t places = places_of(addresses, addr);
    uint64_t minute = minute_of(now);

    for (uint64_t row = 0; row < ADDRESS_ROWS; row++) {
        _Atomic uint64_t *place = &addresses->failures[row][column(places, row)];
        uint64_t old = atomic_load(place);
        uint64_t wanted;
        do { /* another thread's count of the same minute is added to */
            wanted = old >> 32 == minute >> 32 ? old + 1 : minute + 1;
        } while (!atomic_compare_exchange_weak(place, &old, wanted));
    }
}

uint32_t addresses_failures(struct addresses *addresses, const struct addr *addr, uint64_t now)
{
    uint64_t places = places_of(addresses, addr);
    uint64_t minute = minute_of(now);
    uint32_t least = UINT32_MAX;

    for (uint64_t row = 0; row < ADDRESS_ROWS; row++) {
        uint64_t value = atomic_load(&addresses->failures[row][column(places, row)]);
        uint32_t count = value >> 32 == minute >> 32 ? (uint32_t)value : 0;
        least = count < least ? count : least;
    }
    return least;
}
