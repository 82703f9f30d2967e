// SPDX-License-Identifier: MIT
#include "proxy/message.h"

#include "wire/frame.h"

enum message_class message_classify(uint8_t type)
{
    switch (type) {
    case WIRE_QUERY:
    case WIRE_PARSE:
    case WIRE_BIND:
    case WIRE_DESCRIBE:
    case WIRE_EXECUTE:
    case WIRE_CLOSE:
    case WIRE_SYNC:
    case WIRE_FLUSH:
    case WIRE_FUNCTION_CALL:
        return CLASS_REQUEST;
    case WIRE_COPY_DATA:
    case WIRE_COPY_DONE:
    case WIRE_COPY_FAIL:
        return CLASS_COPY;
    case WIRE_TERMINATE:
        return CLASS_TERMINATE;
    default:
        return CLASS_UNKNOWN;
    }
}

void message_expect(struct ledger *ledger, uint8_t type)
{
    switch (type) {
    case WIRE_QUERY:
        (void)ledger_push(ledger, LEDGER_QUERY, LEDGER_FORWARD);
        break;
    case WIRE_PARSE:
        (void)ledger_push(ledger, LEDGER_PARSE, LEDGER_FORWARD);
        break;
    case WIRE_BIND:
        (void)ledger_push(ledger, LEDGER_BIND, LEDGER_FORWARD);
        break;
    case WIRE_DESCRIBE:
        (void)ledger_push(ledger, LEDGER_DESCRIBE, LEDGER_FORWARD);
        break;
    case WIRE_EXECUTE:
        (void)ledger_push(ledger, LEDGER_EXECUTE, LEDGER_FORWARD);
        break;
    case WIRE_CLOSE:
        (void)ledger_push(ledger, LEDGER_CLOSE, LEDGER_FORWARD);
        break;
    case WIRE_SYNC:
        (void)ledger_push(ledger, LEDGER_SYNC, LEDGER_FORWARD);
        break;
    case WIRE_FUNCTION_CALL:
        (void)ledger_push(ledger, LEDGER_FUNCTION, LEDGER_FORWARD);
        break;
    case WIRE_COPY_DONE:
    case WIRE_COPY_FAIL:
        (void)ledger_push(ledger, LEDGER_COPY_END, LEDGER_SWALLOW);
        break;
    default:
        break;
    }
}

/* Bytes of the first batch, through its Query, FunctionCall, Sync or Flush; 0 when it is not whole.
 */
size_t message_batch_size(struct slice bytes)
{
    struct frame frame = {0};
    size_t at = 0;

    while (frame_peek(slice_from(bytes, at), &frame) == FRAME_OK && frame.size <= bytes.n - at &&
           message_classify(frame.type) != CLASS_TERMINATE &&
           message_classify(frame.type) != CLASS_UNKNOWN) {
        at += frame.size;
        if (frame.type == WIRE_QUERY || frame.type == WIRE_FUNCTION_CALL ||
            frame.type == WIRE_SYNC || frame.type == WIRE_FLUSH) {
            return at;
        }
    }
    return 0;
}
