// SPDX-License-Identifier: MIT
#include "pool/owed.h"

void owed_tell(struct backend *b, const struct ledger_entry *entry, bool answered)
{
    if (entry->note != NULL && b->user != NULL) {
        b->user_ops->on_entry(b->user, entry, answered);
    }
}

/* The server never came to it: a statement that it was to prepare is not there, one that we wanted
 * closed still is. */
static void undo(struct backend *b, const struct ledger_entry *entry)
{
    if (entry->kind == LEDGER_PARSE && entry->action != LEDGER_MAKE_UP && entry->arg != 0) {
        prepared_remove(&b->statements, entry->arg);
    } else if (entry->kind == LEDGER_CLOSE && entry->arg != 0) {
        prepared_add(&b->statements, entry->arg);
    }
    owed_tell(b, entry, false);
}

void owed_drop(struct backend *b, uint32_t count)
{
    for (uint32_t i = count; i > 0; i--) {
        undo(b, ledger_at(&b->ledger, i - 1));
    }
    for (uint32_t i = 0; i < count; i++) {
        ledger_pop(&b->ledger);
    }
}

void owed_skip_copy(struct backend *b)
{
    uint32_t count = 0;

    while (count < b->ledger.count && ledger_at(&b->ledger, count)->kind != LEDGER_COPY_END) {
        count++;
    }
    owed_drop(b, count < b->ledger.count ? count + 1 : count);
}

void owed_skip_batch(struct backend *b)
{
    uint32_t count = 0;

    while (count < b->ledger.count && ledger_at(&b->ledger, count)->kind != LEDGER_SYNC) {
        count++;
    }
    b->ledger.skipping = count == b->ledger.count;
    owed_drop(b, count);
}
