// SPDX-License-Identifier: MIT
//
// extended: the extended query protocol on the console: prepared statements, which are commands
// that were read, and portals, which live to the next Sync. There are no parameters; results may be
// asked for as text or binary, and by and by. Belongs to a console.
#ifndef ADMIN_EXTENDED_H
#define ADMIN_EXTENDED_H

#include "admin/command.h"
#include "base/list.h"

enum { EXTENDED_STATEMENTS_MAX = 256, EXTENDED_PORTALS_MAX = 64 };

struct console;
struct portal;

struct extended {
    struct list statements;
    struct list portals;
    uint32_t statement_count;
    uint32_t portal_count;
    bool skipping;          /* after an error: all up to the next Sync */
    struct portal *running; /* whose command is under way */
    uint32_t limit;         /* rows that its Execute asked for; 0 = all */
};

void extended_init(struct extended *x);
void extended_fini(struct extended *x);

/* A simple Query or a Sync ends the transaction, and with it all portals. */
void extended_end_portals(struct extended *x);

/* Whether the type is one of this protocol. */
bool extended_handles(uint8_t type);

/* One message. After an error further ones are passed over up to Sync. */
void extended_message(struct console *c, uint8_t type, struct slice body);

/* The command of the running portal is done. */
void extended_done(struct console *c, const char *tag);

#endif
