// SPDX-License-Identifier: MIT
//
// sends: counts the system calls that write to a socket, by taking the place of send and sendmsg in
// a test that names this. One thread.
#ifndef TEST_SENDS_H
#define TEST_SENDS_H

/* Counts from now on what is written to this descriptor. */
void sends_watch(int fd);

/* Writes since then. */
int sends_count(void);

#endif
