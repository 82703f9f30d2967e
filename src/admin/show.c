// SPDX-License-Identifier: MIT
#include "admin/show.h"

#include <stdio.h>
#include <time.h>

#include "admin/console.h"

static void render(struct console *c, const struct gather *answers)
{
    c->command.kind->show->render(c->admin, answers, &c->rows);
    console_done(c, "SHOW");
}

void show_run(struct console *console, const struct command *command)
{
    static const struct question all = {.scope = GATHER_ALL};
    const struct show *show = command->kind->show;

    if (show->collect == NULL) {
        render(console, NULL);
    } else {
        console_gather(console, &all, show->collect, render);
    }
}

void show_moment(struct admin *admin, struct rows *rows, uint64_t at)
{
    uint64_t now = loop_now(admin->loop);
    time_t then = time(NULL) - (time_t)(now > at ? (now - at) / 1000 : 0);
    struct tm tm;
    char text[40];

    (void)localtime_r(&then, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &tm);
    row_slice(rows, slice_of(text, n));
}

void show_address(struct rows *rows, const struct addr *addr)
{
    char text[ADDR_TEXT] = "";

    if (addr->family != 0) {
        addr_print_host(addr, text, sizeof text);
    }
    row_text(rows, text);
    row_int(rows, addr->port);
}
