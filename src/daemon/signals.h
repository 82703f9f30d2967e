// SPDX-License-Identifier: MIT
//
// signals: those that mean something to us, from before the port answers until the process has
// ended. Only the control thread takes them: every other thread is made while they are blocked, and
// inherits that.
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

#include <uv.h>

enum { SIGNALS = 6 };

struct signals {
    uv_signal_t handles[SIGNALS];
    void (*on_signal)(void *data, int number);
    void *data; /* for it */
};

/* Watches HUP, TERM, INT, QUIT, USR1 and USR2, but keeps them waiting until signals_let_in. Before
 * any other thread is made. */
void signals_watch(struct signals *signals, uv_loop_t *uv,
                   void (*on_signal)(void *data, int number), void *data);
void signals_let_in(void);

/* They have no effect any more, not even that of ending the process. Lets the loop end. */
void signals_ignore(struct signals *signals);

#endif
