// SPDX-License-Identifier: MIT
//
// script: messages by their letters, so that a conversation fits on one line. Each letter gives one
// whole message with a usual body; behind the 'Z' of a server stands its status: "12TDCZI". What
// needs a body of its own is built with wire/build.h.
#ifndef TEST_SCRIPT_H
#define TEST_SCRIPT_H

#include "base/buf.h"

/* What a server says: 1 2 3 n s I are empty; C is "SELECT 1"; D and T have one column; E is a
 * division by zero; S sets TimeZone; G and H begin a copy of one column, d and c go on with it. */
void script_server(struct buf *out, const char *letters);

/* What a client says, all unnamed: P B D E C S H Q F, d c f for copies, X to leave. */
void script_client(struct buf *out, const char *letters);

void script_error(struct buf *out, const char *severity, const char *sqlstate, const char *message);

/* One message of this type with these bytes as its body. */
void script_message(struct buf *out, char type, const void *body, size_t n);

#endif
