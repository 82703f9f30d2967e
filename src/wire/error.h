// SPDX-License-Identifier: MIT
//
// error: ErrorResponse and NoticeResponse, both ways ("Error and Notice Message Fields"). Pure.
#ifndef WIRE_ERROR_H
#define WIRE_ERROR_H

#include "base/buf.h"
#include "base/err.h"

/* The fields that we use; the rest of a message is left alone. Slices of the body; absent is empty.
 */
struct error_fields {
    struct slice severity; /* V where there is one, else S */
    struct slice sqlstate; /* C */
    struct slice message;  /* M */
    struct slice detail;   /* D */
    struct slice hint;     /* H */
};

/* Parses the body of an 'E' or 'N'. Fields may be absent, repeated (the last counts) or unknown;
 * ERR_PROTOCOL where a field is not terminated, the list is not, or something follows it. */
int error_parse(struct slice body, struct error_fields *fields);

/* The server's error as ours: code ERR_SERVER, its SQLSTATE (XX000 where it sent none of five
 * characters of [0-9A-Z]), its message, detail and hint, cut to size. */
void error_to_err(const struct error_fields *fields, struct err *err);

/* Appends an ErrorResponse ('E') or NoticeResponse ('N') with S, V, C, M, and D and H where there
 * is a detail or a hint. */
void error_build(struct buf *out, uint8_t type, const char *severity, const struct err *err);

#endif
