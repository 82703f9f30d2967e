// SPDX-License-Identifier: MIT
//
// token: the first words of an SQL text, without a parser. White space, semicolons and both kinds
// of comment (nested as in PostgreSQL) are skipped; the text ends at its length or at a NUL. What
// is found is a hint, never a boundary: functions and DO blocks hide anything from it. Pure.
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H

#include "base/slice.h"

/* Takes the next word (a letter, '_' or a byte above 127, then also digits and '$'), or one other
 * byte, off the front of *sql; empty at the end. */
struct slice token_next(struct slice *sql);

/* The same for words that may be quoted identifiers or literals: a quoted one is returned with its
 * quotes, and to the end of the text where the closing one is missing. */
struct slice token_next_name(struct slice *sql);

/* Case-insensitive comparison with a lower-case keyword. */
bool token_is(struct slice token, const char *keyword);

#endif
