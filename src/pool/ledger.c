// SPDX-License-Identifier: MIT
#include "pool/ledger.h"

#include <stdlib.h>

#include "base/alloc.h"

void ledger_init(struct ledger *ledger)
{
    ledger->ring = ledger->inline_ring;
    ledger->head = ledger->count = 0;
    ledger->cap = LEDGER_INLINE;
    ledger->skipping = false;
}

void ledger_fini(struct ledger *ledger)
{
    ledger->count = 0;
    ledger_shrink(ledger);
}

void ledger_shrink(struct ledger *ledger)
{
    if (ledger->count == 0 && ledger->ring != ledger->inline_ring) {
        free(ledger->ring);
        ledger_init(ledger);
    }
}

bool ledger_ends_batch(const struct ledger *ledger)
{
    if (ledger->count == 0) {
        return false;
    }
    uint32_t last = (ledger->head + ledger->count - 1) & (ledger->cap - 1);
    uint8_t kind = ledger->ring[last].kind;
    return kind == LEDGER_QUERY || kind == LEDGER_FUNCTION || kind == LEDGER_SYNC;
}

static void grow(struct ledger *ledger)
{
    struct ledger_entry *ring = x_alloc(2 * (size_t)ledger->cap * sizeof *ring);

    for (uint32_t i = 0; i < ledger->count; i++) {
        ring[i] = *ledger_at(ledger, i);
    }
    if (ledger->ring != ledger->inline_ring) {
        free(ledger->ring);
    }
    ledger->ring = ring;
    ledger->head = 0;
    ledger->cap *= 2;
}

struct ledger_entry *ledger_push(struct ledger *ledger, enum ledger_kind kind,
                                 enum ledger_action action)
{
    if (ledger->skipping) {
        if (kind != LEDGER_SYNC) {
            return NULL;
        }
        ledger->skipping = false;
    }
    if (ledger->count == ledger->cap) {
        grow(ledger);
    }
    struct ledger_entry *entry = ledger_at(ledger, ledger->count++);
    *entry = (struct ledger_entry){.kind = (uint8_t)kind, .action = (uint8_t)action};
    return entry;
}
