// SPDX-License-Identifier: MIT
//
// help: SHOW HELP: the table of commands as one notice, as PgBouncer gives it, so that psql shows
// it however its rows are formatted. Control thread.
#ifndef ADMIN_HELP_H
#define ADMIN_HELP_H

#include "admin/command.h"

void help_run(struct console *c, const struct command *command);

#endif
