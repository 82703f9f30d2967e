// SPDX-License-Identifier: MIT
//
// message: what a client may send once it is greeted, by the letter: where it goes, what the server
// will owe for it, and where a batch ends. Pure but for the ledger it writes to.
#ifndef PROXY_MESSAGE_H
#define PROXY_MESSAGE_H

#include "base/slice.h"
#include "pool/ledger.h"

enum message_class {
    CLASS_REQUEST, /* is sent on */
    CLASS_COPY,    /* is sent on where a COPY may be waiting for it, else dropped */
    CLASS_TERMINATE,
    CLASS_UNKNOWN /* ends the session */
};

enum message_class message_classify(uint8_t type);

/* Notes what the server will owe for a message; Flush and CopyData have no answer. */
void message_expect(struct ledger *ledger, uint8_t type);

/* Bytes of the first batch, through its Query, FunctionCall, Sync or Flush; 0 when it is not whole.
 */
size_t message_batch_size(struct slice bytes);

#endif
