// SPDX-License-Identifier: MIT
//
// bulk: `fahrenctl create tenants -f LIST`: one CREATE TENANT for each line of a file, a few at a
// time over as many connections to the console, with a line on stderr that says how far it is and
// how fast. A line is a tenant's name, and behind it what differs for this one, as key=value. What
// fails is told and does not stop the rest. Blocks.
#ifndef CTL_BULK_H
#define CTL_BULK_H

#include <libpq-fe.h>

#include "base/buf.h"

/* `with` is the text behind WITH that all have in common, without parentheses, or NULL. Returns how
 * many failed, or a negative code where the file cannot be read. The summary goes to *out. */
int bulk_create(PGconn *conn, const char *path, const char *with, bool json, struct buf *out);

/* The command of one line of the file; empty for a comment and an empty line. Appended. */
void bulk_command(const char *line, const char *with, struct buf *command);

#endif
