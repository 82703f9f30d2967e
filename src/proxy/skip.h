// SPDX-License-Identifier: MIT
//
// skip: passing over what a client sent and no server will see: the rest of a batch behind an error
// of ours, a copy's bytes that come too late, what is no message at all. Each returns how many
// bytes of `rest` are done with. One thread: the worker's.
#ifndef PROXY_SKIP_H
#define PROXY_SKIP_H

#include "proxy/frontend.h"
#include "wire/frame.h"

/* More of the message that is being dropped; at its end comes ReadyForQuery where that is owed. */
size_t skip_body(struct frontend *f, struct slice rest);

/* Begins to drop a message; `ready`: ReadyForQuery is owed at its end. */
size_t skip_drop(struct frontend *f, struct slice rest, const struct frame *frame, bool ready);

/* As the server after an error: a Query or FunctionCall is a batch of its own, else all goes up to
 * Sync. */
size_t skip_message(struct frontend *f, struct slice rest);

/* Ends the session: this is none of the messages that a client may send. */
size_t skip_refuse(struct frontend *f, enum frame_result result, uint8_t type);

#endif
