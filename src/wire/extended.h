// SPDX-License-Identifier: MIT
//
// extended: views of the messages of the extended query protocol, only as deep as a pooler must
// look ("Message Formats": Parse, Bind, Describe, Close). Slices of the body. Pure.
#ifndef WIRE_EXTENDED_H
#define WIRE_EXTENDED_H

#include "base/slice.h"

struct parse_view {
    struct slice statement; /* name; empty is the unnamed statement */
    struct slice query;     /* SQL without its terminator */
    struct slice types;     /* count and OIDs, as they lie in the message */
};

struct bind_view {
    struct slice portal;
    struct slice statement;
    struct slice rest; /* everything behind the two names, as it lies */
};

struct target_view { /* Describe and Close */
    uint8_t kind;    /* 'S' statement, 'P' portal */
    struct slice name;
};

/* Each returns 0, or ERR_PROTOCOL when the body is not of that form to the last byte that is looked
 * at. */
int extended_parse(struct slice body, struct parse_view *view);
int extended_bind(struct slice body, struct bind_view *view);
int extended_target(struct slice body, struct target_view *view);

#endif
