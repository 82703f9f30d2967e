// SPDX-License-Identifier: MIT
//
// act: the commands that change something. Each is a `run` of the command table and answers the
// console that said it, now or when what it asked for has come about. Control thread.
#ifndef ADMIN_ACT_H
#define ADMIN_ACT_H

#include "admin/command.h"

struct console;

/* act_process.c: the program as a whole */
void act_reload(struct console *c, const struct command *command);
void act_shutdown(struct console *c, const struct command *command);
void act_shutdown_wait_for_servers(struct console *c, const struct command *command);
void act_shutdown_wait_for_clients(struct console *c, const struct command *command);
void act_set(struct console *c, const struct command *command);

#endif
