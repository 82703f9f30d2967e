// SPDX-License-Identifier: MIT
//
// token: the first words of an SQL text, without a parser: white space, both kinds of comment
// (nested as in PostgreSQL) and leading semicolons are skipped. What is found is a hint, never a
// boundary: functions and DO blocks hide anything from it. Pure.
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H

#include "base/slice.h"

/* Takes the next word ([A-Za-z_][A-Za-z0-9_$]*), or one other byte, off the front of *sql; empty at
 * the end. */
struct slice token_next(struct slice *sql);

/* The same for words that may be quoted identifiers or literals: a quoted one is returned with its
 * quotes. */
struct slice token_next_name(struct slice *sql);

/* Case-insensitive comparison with a lower-case keyword. */
bool token_is(struct slice token, const char *keyword);

#endif
