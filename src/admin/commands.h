// SPDX-License-Identifier: MIT
//
// commands: the table of all commands (command.h), and those that are done where they stand: what
// drivers ask or set by themselves when they connect, answered so that they are content. Control
// thread.
#ifndef ADMIN_COMMANDS_H
#define ADMIN_COMMANDS_H

#include "admin/command.h"
#include "base/buf.h"

/* ParameterStatus messages of the greeting. */
void commands_report(struct buf *out);

#endif
