// SPDX-License-Identifier: MIT
//
// follow: what a client sets in its session follows it from connection to connection: what the
// server reports becomes part of the client's context. The worker's thread.
#ifndef PROXY_FOLLOW_H
#define PROXY_FOLLOW_H

#include "proxy/frontend.h"

/* The server reported a parameter to the linked client: it becomes part of its context, which the
 * connection is now in. */
void follow_report(struct frontend *f, struct slice name, struct slice value);

/* The first batch behind a switch has ended: what the server reported last is in force, and the
 * client is told where that is not what it believes. */
void follow_reported(struct frontend *f);

#endif
