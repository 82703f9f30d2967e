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
    ledger->doubts = ledger->new_doubts = 0;
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
    return ledger_kind_ends_batch(ledger->ring[last].kind);
}

void ledger_doubt(struct ledger *ledger, struct ledger_entry *entry)
{
    entry->doubtful = true;
    if (ledger_kind_ends_batch(entry->kind)) {
        ledger->doubts++;
    } else {
        ledger->new_doubts++;
    }
}

void ledger_pop(struct ledger *ledger)
{
    if (ledger->ring[ledger->head].doubtful) {
        *(ledger->doubts > 0 ? &ledger->doubts : &ledger->new_doubts) -= 1;
    }
    ledger->head = (ledger->head + 1) & (ledger->cap - 1);
    ledger->count--;
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
    if (ledger_kind_ends_batch(entry->kind)) {
        ledger->doubts += ledger->new_doubts;
        ledger->new_doubts = 0;
    }
    return entry;
}
