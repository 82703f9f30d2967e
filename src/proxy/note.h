// SPDX-License-Identifier: MIT
//
// note: what an entry of the ledger means to the proxy: whose statement is parsed or closed there,
// or which error takes the place of the server's. A note is finished once, when its entry is
// answered or dropped; what the client's map was changed for is undone where the server never came
// to it. The worker's thread.
#ifndef PROXY_NOTE_H
#define PROXY_NOTE_H

#include "proxy/frontend.h"

enum note_kind { NOTE_PARSE, NOTE_CLOSE, NOTE_ERROR };

struct note;

/* Of a client's statement, which it holds. */
struct note *note_new(enum note_kind kind, struct client_statement *cs);

/* Of an error of ours; a copy. */
struct note *note_error(const struct err *err);

/* Pushes an entry with its note; false where the server skips the message: it is as if it had been
 * dropped. */
bool note_push(struct frontend *f, enum ledger_kind kind, enum ledger_action action,
               uint32_t number, struct note *note);

/* A message in place of the client's that fails at the server, where its error gives way to ours.
 */
void note_push_failure(struct frontend *f, const struct err *err, struct buf *out);

/* The callback of a backend's user. */
void note_on_entry(struct frontend *f, const struct ledger_entry *entry, bool answered);

#endif
