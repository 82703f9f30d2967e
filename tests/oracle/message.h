// SPDX-License-Identifier: MIT
//
// message: requests as bytes, and answers held against what was expected. Pure.
#ifndef ORACLE_MESSAGE_H
#define ORACLE_MESSAGE_H

#include "model.h"

/* Appends the bytes of a request. */
void message_build(struct buf *out, const struct request *request,
                   const struct sql_context *context);

/* Whether a message that came is the one expected; else `why` says what is wrong. The context is
 * whose session it is: its application name is taken from the item. */
bool message_is(const struct expected *item, uint8_t type, struct slice body,
                const struct sql_context *context, const char **why);

/* The SQLSTATE of an ErrorResponse, and whether it is no FATAL one. */
bool message_error(struct slice body, char sqlstate[6]);

/* Whether a notice only says that the client has been waiting for a while. */
bool message_says_waiting(struct slice body);

#endif
