// SPDX-License-Identifier: MIT
//
// follow: what a client sets in its session follows it from connection to connection: what the
// server reports becomes part of the client's context. Where the tenant's pattern gives its
// sessions a name at the server (application_name), reports are told in the client's terms, and the
// name that a client sets is made into the server's by the next switch. The worker's thread.
#ifndef PROXY_FOLLOW_H
#define PROXY_FOLLOW_H

#include "proxy/frontend.h"

/* The server reported a parameter to the linked client: it becomes part of its context, which the
 * connection is now in. False where the client is not to see the message: it is told in other
 * words, ahead of the next ReadyForQuery. */
bool follow_report(struct frontend *f, struct slice name, struct slice value);

/* The context as the client sees it; a reference. */
struct context *follow_shown(struct frontend *f);

/* The first batch behind a switch has ended, or one that changed its name: what the server reported
 * last is in force, and the client is told where that is not what it believes. */
void follow_reported(struct frontend *f);

#endif
