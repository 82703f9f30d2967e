// SPDX-License-Identifier: MIT
//
// trace: what the log tells of a client. That it was closed for a reason is told of every client;
// that it came, was refused something, or left is told at the level debug; that it was given a
// server connection, and gave it back, of those tenants alone that the console has asked for (LOG
// TENANT): on the path of a query there is one comparison, trace_on. Names are borrowed. The
// worker's thread.
#ifndef PROXY_TRACE_H
#define PROXY_TRACE_H

#include "base/log.h"
#include "proxy/frontend.h"

/* What a line about the client is about. Before it has a tenant, that is the one it names. */
struct log_origin trace_origin(const struct frontend *f);

/* Whether each step of the client is told; it has a tenant. */
static inline bool trace_on(const struct frontend *f)
{
    return f->request.lane->account->log_level == LOG_DEBUG + 1;
}

void trace_encrypted(const struct frontend *f, const char *how);
void trace_greeted(const struct frontend *f);
/* It hears of an error and goes on. */
void trace_failed(const struct frontend *f, const struct err *err);
/* It is about to be closed; err is NULL where it left. */
void trace_closed(const struct frontend *f, const struct err *err);

/* Where trace_on says so; it is linked. */
void trace_linked(const struct frontend *f);
void trace_switched(const struct frontend *f);
void trace_released(const struct frontend *f);

#endif
