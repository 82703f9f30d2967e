// SPDX-License-Identifier: MIT
//
// tenant_job: a piece of work on one tenant in PostgreSQL, for a console or for nobody. It is put
// together on the control thread out of the command and what is in force, runs in libuv's thread
// pool, and comes back to the control thread: what the registry's row is then goes to the workers
// before anyone is answered. A console that goes meanwhile is forgotten; the work is done all the
// same. Frees itself, unless it is kept.
#ifndef ADMIN_TENANT_JOB_H
#define ADMIN_TENANT_JOB_H

#include "admin/command.h"
#include "admin/state.h"
#include "provision/tenant_work.h"

struct tenant_job;

typedef void (*tenant_job_work)(const struct tenant_request *request,
                                struct tenant_outcome *outcome);

/* On the control thread; the outcome is valid during the call. */
typedef void (*tenant_job_done)(void *data, const struct tenant_outcome *outcome);

/* A job for the tenant of the command; NULL with err set where its configuration does not allow
 * it. Not begun yet. */
struct tenant_job *tenant_job_new(struct admin *admin, const struct command *command,
                                  struct err *err);

/* For tenant_set_state. */
void tenant_job_set_state(struct tenant_job *job, enum tenant_state state);

/* Begins; `done` comes unless tenant_job_forget is called before. ERR_INTERNAL where no thread can
 * be had: then the job is freed. */
int tenant_job_start(struct tenant_job *job, tenant_job_work work, tenant_job_done done, void *data,
                     struct err *err);
void tenant_job_forget(struct tenant_job *job);

/* During `done`: the job goes on, with another tenant_job_start, or ends with tenant_job_free. */
void tenant_job_keep(struct tenant_job *job);
void tenant_job_free(struct tenant_job *job);

#endif
