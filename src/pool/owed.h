// SPDX-License-Identifier: MIT
//
// owed: answers that will not come, because the server passes over what was asked: behind an error,
// and while it copies. Their entries leave the ledger, and what was noted of them in the hope of an
// answer is undone. A part of the walk over replies.
#ifndef POOL_OWED_H
#define POOL_OWED_H

#include "pool/backend.h"

/* Tells the user what became of an entry that carries a note of its. */
void owed_tell(struct backend *b, const struct ledger_entry *entry, bool answered);

/* Takes the first `count` entries out of the ledger unanswered. */
void owed_drop(struct backend *b, uint32_t count);

/* After an error in the extended protocol the server reads past everything up to the next Sync. */
void owed_skip_batch(struct backend *b);

/* While it copied, the server read past every Sync that was sent before the client ended the copy.
 */
void owed_skip_copy(struct backend *b);

/* Ends of copies at the head of the ledger: nothing answers them. */
static inline void owed_drop_copy_ends(struct backend *b)
{
    while (b->ledger.count > 0 && b->ledger.ring[b->ledger.head].kind == LEDGER_COPY_END) {
        ledger_pop(&b->ledger);
    }
}

#endif
