// SPDX-License-Identifier: MIT
//
// print: an answer of the console as text for people or as JSON for programs. A row becomes an
// object with its columns' names; numbers, booleans and JSON are what they are. Pure: bytes into a
// buf.
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <libpq-fe.h>

#include "base/buf.h"

/* Rows as a table with aligned columns, numbers to the right. */
void print_table(struct buf *out, const PGresult *result);

/* An array of objects, each on a line of its own. */
void print_json_rows(struct buf *out, const PGresult *result);

/* A command without rows: {"command": tag, "notices": […]}. Notices are lines of text. */
void print_json_command(struct buf *out, const char *tag, struct slice notices);

#endif
