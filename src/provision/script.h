// SPDX-License-Identifier: MIT
//
// script: statements that are run one after the other on one connection, each noted in a report.
// After the first error nothing more is run, so that a caller says what is to be done in a straight
// line and looks once, at the end. Blocks.
#ifndef PROVISION_SCRIPT_H
#define PROVISION_SCRIPT_H

#include "base/buf.h"
#include "provision/pgexec.h"
#include "provision/report.h"

struct script {
    PGconn *conn;          /* the caller's; NULL: it could not be opened, and the report says why */
    struct report *report; /* the caller's */
    const char *object;    /* what the statements are about, for the report and for errors */
    bool dry;              /* script_run only notes */
};

static inline bool script_failed(const struct script *s)
{
    return report_failed(s->report);
}

/* Runs the statement in `sql`, notes it, and empties `sql`. */
void script_run(struct script *s, struct buf *sql);

/* The same, but the report shows another text: for what is not everybody's to see. */
void script_run_shown(struct script *s, struct buf *sql, const char *shown);

/* Runs a statement, dry or not, that is no news to anyone. */
void script_do(struct script *s, const char *sql);

/* Asks; NULL after an error. Dry or not. */
PGresult *script_ask(struct script *s, const char *sql, const char *const *params, int count);

/* One text of one row into `out`, cut to its size; false where there is no row, or it is NULL. */
bool script_ask_text(struct script *s, const char *sql, const char *param, char *out, size_t size);

/* Several statements as one Query message: one transaction, unless they say otherwise. */
void script_run_file(struct script *s, struct slice text);

#endif
