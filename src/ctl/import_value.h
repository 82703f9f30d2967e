// SPDX-License-Identifier: MIT
//
// import_value: PgBouncer's values as YAML of ours. Times are seconds there, maybe with a fraction;
// lists are words with commas. What a value must be is known from our key's row in the schema.
#ifndef CTL_IMPORT_VALUE_H
#define CTL_IMPORT_VALUE_H

#include "ctl/import_model.h"

/* The value of a row that has a path. NULL where nothing is to be written: then it was a fault, or
 * says what holds anyway. The caller frees it. */
char *import_convert(struct import *im, const struct import_key *row, const char *raw,
                     struct import_origin at);

/* A text as a YAML scalar, in quotes where it needs some; false where it is not UTF-8. */
bool import_quote(struct buf *out, const char *text);

/* The same of a text that is known to be UTF-8; the caller frees it. */
char *import_quoted(const char *text);

#endif
