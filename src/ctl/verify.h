// SPDX-License-Identifier: MIT
//
// verify: tries as a tenant, through the proxy, what the table of attacks says a tenant may try,
// and looks in the catalogs for the traps that policies do not close; says what gets through and
// what to do. Nothing is changed: every attempt is a transaction that is rolled back. What cannot
// be tried without harm or a second tenant's help is told as fahrend's own tests found it at that
// level. Blocks.
#ifndef CTL_VERIFY_H
#define CTL_VERIFY_H

#include "base/buf.h"
#include "base/err.h"
#include "ctl/options.h"

/* Writes what was found. Returns how many attacks get through that options->allow does not name; a
 * negative code with err set where it could not be tried. Faults of the file go to *faults. */
int verify_run(const struct options *options, struct buf *out, struct buf *faults, struct err *err);

#endif
