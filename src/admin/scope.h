// SPDX-License-Identifier: MIT
//
// scope: what a command is about: everything, or the database that it names. Which pools of a
// worker that is, and which gate. Control thread and workers.
#ifndef ADMIN_SCOPE_H
#define ADMIN_SCOPE_H

#include "admin/command.h"
#include "admin/gather.h"

/* A question about the database named, or about everything. */
struct question scope_question(const struct command *command);

/* Is the pool of the database, dedicated to the tenant, or is all asked for? */
bool scope_has(const struct question *question, const struct pool *pool);

/* Flags of the gate of the scope itself. */
uint32_t scope_flags(const struct gates *gates, const struct question *question);

/* On a worker: shuts or opens the gate, and the pools follow. */
void scope_shut(struct proxy *proxy, const struct question *question, uint32_t flags);
void scope_open(struct proxy *proxy, const struct question *question, uint32_t flags);

/* On the control thread: notes what the workers are told. */
void scope_note_shut(struct gates *gates, const struct question *question, uint32_t flags);
void scope_note_open(struct gates *gates, const struct question *question, uint32_t flags);

/* Calls `each` for the pools of the scope until it returns false; returns whether all were true. */
bool scope_each(struct proxy *proxy, const struct question *question,
                bool (*each)(struct pool *pool));

#endif
