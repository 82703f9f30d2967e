// SPDX-License-Identifier: MIT
//
// console: one session of an administrator. It takes commands by the simple and the extended
// protocol, one after the other: while one waits for the workers nothing more is executed, but
// bytes are read on (up to CONSOLE_INPUT_MAX), so that a client that leaves is noticed. A command's
// `run` ends with console_done or console_fail, now or in a later turn. Errors end no session; only
// bytes that are not the protocol do.
//
// Embedded conn; the memory goes when the socket's handle is closed. Control thread.
#ifndef ADMIN_CONSOLE_H
#define ADMIN_CONSOLE_H

#include "admin/command.h"
#include "admin/extended.h"
#include "admin/gather.h"

enum {
    CONSOLE_MESSAGE_MAX = LIMIT_SCRATCH,  /* bytes of one message */
    CONSOLE_INPUT_MAX = 2 * LIMIT_SCRATCH /* bytes kept of a client that is not answered yet */
};

enum console_task { TASK_NONE, TASK_QUERY, TASK_EXECUTE };

/* The workers have answered; the answers are valid during the call. */
typedef void (*console_gathered_cb)(struct console *c, const struct gather *answers);

struct console {
    struct conn conn;
    struct admin *admin;
    struct list node; /* in admin.consoles */
    uint64_t id;      /* in one series with the clients; consoles have the last worker's place */
    char user[NAME_SIZE];
    bool may_change; /* an admin; else it may only look */
    struct addr peer;
    uint64_t connected_at; /* loop time, ms */
    uint64_t request_at;   /* of its last command */
    struct buf in;         /* received and not worked off */
    struct buf out;        /* of this turn, not sent yet */
    bool working;          /* messages are being worked off further up the stack */
    struct extended extended;

    enum console_task task; /* what the command under way came by */
    struct command command; /* the one under way */
    struct gather *gather;  /* that it waits for, or NULL */
    console_gathered_cb gathered;
    void *job; /* work off the loop that it waits for, or NULL */
    void (*forget_job)(void *job);
    struct buf result; /* its rows */
    struct rows rows;  /* writes them */
};

/* Takes over the socket and the bytes. */
void console_new(struct admin *admin, struct console_client *client);

/* Closes without a word. Idempotent. */
void console_close(struct console *c);

/* Closes with a FATAL error. */
void console_kill(struct console *c, const struct err *err);

/* --- for the commands --- */

/* Asks the workers; the callback comes unless the console has gone. */
void console_gather(struct console *c, const struct question *question, gather_work work,
                    console_gathered_cb gathered);

/* It waits for a job, which answers it on this thread with console_end_job and console_done or
 * console_fail; when the console goes before, the job is told to forget it. */
void console_begin_job(struct console *c, void *job, void (*forget)(void *job));
void console_end_job(struct console *c);

void console_notice(struct console *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The command under way is answered: its rows, and CommandComplete with this tag. */
void console_done(struct console *c, const char *tag);
void console_fail(struct console *c, const struct err *err);

/* Sends what was answered, without waiting for the end of the turn. */
void console_flush(struct console *c);

/* --- for extended.c --- */

/* Runs a command; the task says how it is answered. */
void console_run(struct console *c, const struct command *command, enum console_task task,
                 uint64_t binary);

#endif
