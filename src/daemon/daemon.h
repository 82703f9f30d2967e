// SPDX-License-Identifier: MIT
//
// daemon: the program as a whole, on the control thread: the configuration in force, the workers,
// the signals, the console's wishes. It builds in order and undoes in reverse.
//
//   RUNNING ─▶ DRAINING ─▶ STOPPING ─▶ the loop ends
//
// DRAINING refuses new clients and waits for those that are there (TERM), or closes each outside
// its transaction (INT); a second signal, or drain_timeout, ends the wait.
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>

/* Runs with this configuration file until told to stop. With `takeover` it takes
 * the place of the process that runs, where one does. Returns the exit status. */
int daemon_run(const char *file, bool takeover);

#endif
