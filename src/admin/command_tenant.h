// SPDX-License-Identifier: MIT
//
// command_tenant: what may follow the name in CREATE, ALTER and DROP TENANT. Pure.
#ifndef ADMIN_COMMAND_TENANT_H
#define ADMIN_COMMAND_TENANT_H

#include "admin/command.h"
#include "admin/words.h"

/* Reads the words from `at` on. ERR_SYNTAX where one may not stand there. */
int command_read_clauses(const struct words *words, size_t at, struct command *command,
                         struct err *err);

#endif
