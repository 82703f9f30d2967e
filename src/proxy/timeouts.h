// SPDX-License-Identifier: MIT
//
// timeouts: how long a client may take for what, by its tenant's `timeouts`. A greeted client is in
// one of four conditions; entering one arms what bounds it and disarms what bounded the last:
//
//   waiting            in a queue           query_wait; a notice after TIMEOUT_NOTICE
//   busy               a server works       query, and transaction since it was linked
//   in transaction     the client thinks    idle_transaction, and transaction
//   at rest            outside of both      client_idle
//
// What ends a client closes it with a FATAL error; its server connection is cancelled, rolled back
// and kept. One thread: the worker's.
#ifndef PROXY_TIMEOUTS_H
#define PROXY_TIMEOUTS_H

#include "proxy/frontend.h"

#define TIMEOUT_NOTICE 5000 /* ms in a queue after which the client is told */

void timeouts_waiting(struct frontend *f);
void timeouts_linked(struct frontend *f); /* busy, at the begin of a transaction */
void timeouts_busy(struct frontend *f);
void timeouts_in_transaction(struct frontend *f);
void timeouts_at_rest(struct frontend *f);

#endif
