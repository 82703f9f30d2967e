// SPDX-License-Identifier: MIT
//
// process: what the kernel is told about the process. Control thread, at start.
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>

/* Whether core dumps, and other processes of the same user, are kept from our memory, which has
 * secrets in it. */
void process_hide(bool hidden);

#endif
