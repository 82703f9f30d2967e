// SPDX-License-Identifier: MIT
//
// process: what the kernel and the allocator are told about the process. Control thread, at start.
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>

/* Whether core dumps, and other processes of the same user, are kept from our memory, which has
 * secrets in it. */
void process_hide(bool hidden);

/* Memory that something large took for a while, a registry that was read or a file, goes back to
 * the system. Left alone the allocator keeps as much as was ever free. */
void process_give_back(void);

#endif
