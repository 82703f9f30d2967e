// SPDX-License-Identifier: MIT
#include "daemon/notify.h"

#include <time.h>

#include <systemd/sd-daemon.h>

#include "admin/pulse.h"

static void arm(struct notify *n);

static void on_pulse(void *data)
{
    struct notify *n = data;

    n->asked = false;
    (void)sd_notify(0, "WATCHDOG=1"); /* who does not listen did not ask */
}

static void on_deadline(struct deadline *deadline)
{
    struct notify *n = container_of(deadline, struct notify, deadline);

    if (!n->asked) {
        n->asked = true;
        pulse_ask(n->admin, on_pulse, n);
    }
    arm(n);
}

static void arm(struct notify *n)
{
    deadline_arm(&n->loop->deadlines, &n->deadline, n->period, on_deadline);
}

void notify_ready(struct notify *n, struct loop *loop, struct admin *admin)
{
    uint64_t usec = 0;

    *n = (struct notify){.loop = loop, .admin = admin};
    deadline_init(&n->deadline);
    if (sd_watchdog_enabled(0, &usec) > 0) {
        n->period = usec / 1000 / 3 + 1;
        arm(n);
    }
    (void)sd_notify(0, "READY=1\nSTATUS=serving");
}

void notify_reloading(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
                     (unsigned long long)now.tv_sec * 1000000 +
                         (unsigned long long)now.tv_nsec / 1000);
}

void notify_reloaded(void)
{
    (void)sd_notify(0, "READY=1\nSTATUS=serving");
}

void notify_status(const char *text)
{
    (void)sd_notifyf(0, "STATUS=%s", text);
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void notify_stop(struct notify *n)
{
    if (n->loop != NULL) {
        deadline_disarm(&n->deadline);
    }
}
