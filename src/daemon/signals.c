// SPDX-License-Identifier: MIT
#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>

static const int numbers[SIGNALS] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};

static void on_uv_signal(uv_signal_t *handle, int number)
{
    struct signals *signals = handle->data;

    signals->on_signal(signals->data, number);
}

/* `how` is SIG_BLOCK or SIG_UNBLOCK. */
static void mask(int how)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaddset(&set, numbers[i]);
    }
    (void)pthread_sigmask(how, &set, NULL);
}

void signals_watch(struct signals *signals, uv_loop_t *uv,
                   void (*on_signal)(void *data, int number), void *data)
{
    *signals = (struct signals){.on_signal = on_signal, .data = data};
    (void)signal(SIGPIPE, SIG_IGN);
    mask(SIG_BLOCK);
    for (int i = 0; i < SIGNALS; i++) {
        (void)uv_signal_init(uv, &signals->handles[i]);
        signals->handles[i].data = signals;
        (void)uv_signal_start(&signals->handles[i], on_uv_signal, numbers[i]);
    }
}

void signals_let_in(void)
{
    mask(SIG_UNBLOCK);
}

/* libuv gives a signal that nobody watches its default effect back: one that comes while we end
 * would be the end, and not exit status 0. */
void signals_ignore(struct signals *signals)
{
    mask(SIG_BLOCK);
    for (int i = 0; i < SIGNALS; i++) {
        uv_close((uv_handle_t *)&signals->handles[i], NULL);
        (void)signal(numbers[i], SIG_IGN);
    }
}
