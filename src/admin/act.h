// SPDX-License-Identifier: MIT
//
// act: the commands that change something. Each is a `run` of the command table and answers the
// console that said it, now or when what it asked for has come about. Control thread.
#ifndef ADMIN_ACT_H
#define ADMIN_ACT_H

#include "admin/command.h"
#include "admin/gather.h"
#include "admin/tenant_job.h"
#include "tenant/tenant.h"

struct console;
struct report;

/* act_process.c: the program as a whole */
void act_reload(struct console *c, const struct command *command);
void act_shutdown(struct console *c, const struct command *command);
void act_shutdown_wait_for_servers(struct console *c, const struct command *command);
void act_shutdown_wait_for_clients(struct console *c, const struct command *command);
void act_set(struct console *c, const struct command *command);

/* act_pause.c */
void act_pause(struct console *c, const struct command *command);
void act_suspend(struct console *c, const struct command *command);
void act_resume(struct console *c, const struct command *command);
void act_disable(struct console *c, const struct command *command);
void act_enable(struct console *c, const struct command *command);
void act_pause_tenant(struct console *c, const struct command *command);
void act_resume_tenant(struct console *c, const struct command *command);

/* A question about the tenant that is named; false where there is none, and that was answered. */
bool act_tenant_question(struct console *c, const struct command *command, struct question *q);

/* act_close.c */
void act_reconnect(struct console *c, const struct command *command);
void act_wait_close(struct console *c, const struct command *command);
void act_kill(struct console *c, const struct command *command);
void act_kill_client(struct console *c, const struct command *command);
void act_suspend_tenant(struct console *c, const struct command *command);

/* For a gather: shuts the gate of the question's tenant and closes its clients. */
enum gather_step act_close_tenant(struct proxy *proxy, const struct question *q,
                                  struct gather_part *part);

/* act_tenant.c: work in PostgreSQL, off the loop */
void act_create_tenant(struct console *c, const struct command *command);

/* Begins work of the console's own; `done` comes with the console unless that is gone before. `job`
 * is NULL where it could not be made, for the reason in err. */
void act_start_job(struct console *c, struct tenant_job *job, tenant_job_work work,
                   tenant_job_done done, struct err *err);

/* Ends the console's work: rows of the answer say what was done, and true; or the answer is the
 * error, and false. */
bool act_take_report(struct console *c, const struct report *report);

void act_alter_tenant(struct console *c, const struct command *command);

/* act_rotate.c: ALTER TENANT … ROTATE PASSWORD */
void act_rotate_password(struct console *c, const struct command *command);

/* act_state.c: does the registry say that the tenant is suspended? */
bool act_is_suspended(struct console *c, const struct question *q);

/* Writes the state of the command's tenant into the registry, where there is one and it says
 * otherwise, and answers. */
void act_keep_state(struct console *c, enum tenant_state state);

/* act_log.c: LOG TENANT */
void act_log_tenant(struct console *c, const struct command *command);

/* act_drop.c: likewise */
void act_drop_tenant(struct console *c, const struct command *command);

/* act_rls.c: likewise */
void act_setup_rls(struct console *c, const struct command *command);

#endif
