// SPDX-License-Identifier: MIT
#include "proxy/slots.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

static void grow(struct slots *slots)
{
    uint32_t size = slots->size == 0 ? 64 : 2 * slots->size;

    assert(size <= 1U << SLOT_BITS);
    slots->table = x_realloc(slots->table, size * sizeof *slots->table);
    slots->free = x_realloc(slots->free, size * sizeof *slots->free);
    for (uint32_t slot = size; slot > slots->size; slot--) {
        slots->table[slot - 1] = NULL;
        slots->free[slots->free_count++] = slot - 1;
    }
    slots->size = size;
}

uint32_t slots_take(struct slots *slots, struct frontend *frontend)
{
    if (slots->free_count == 0) {
        grow(slots);
    }
    uint32_t slot = slots->free[--slots->free_count];
    slots->table[slot] = frontend;
    return slot;
}

void slots_give(struct slots *slots, uint32_t slot)
{
    assert(slot < slots->size && slots->table[slot] != NULL);
    slots->table[slot] = NULL;
    slots->free[slots->free_count++] = slot;
}

struct frontend *slots_find(const struct slots *slots, uint32_t pid)
{
    uint32_t slot = pid & ((1U << SLOT_BITS) - 1);

    return slot < slots->size ? slots->table[slot] : NULL;
}

void slots_fini(struct slots *slots)
{
    free(slots->table);
    free(slots->free);
    *slots = (struct slots){0};
}
