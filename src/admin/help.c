// SPDX-License-Identifier: MIT
#include "admin/help.h"

#include <ctype.h>
#include <stdio.h>

#include "admin/console.h"
#include "wire/build.h"

enum { HELP_WIDTH = 40 };

/* Keywords in capitals, as they are written in manuals, then the argument; padded. */
static void append_usage(struct buf *text, const struct command_kind *kind)
{
    char usage[128];
    size_t n = 0;

    for (; kind->words[n] != '\0' && n < sizeof usage - 1; n++) {
        usage[n] = (char)toupper((unsigned char)kind->words[n]);
    }
    usage[n] = '\0';
    if (kind->usage != NULL) {
        (void)snprintf(usage + n, sizeof usage - n, " %s", kind->usage);
    }
    buf_printf(text, "\n  %-*s %s", HELP_WIDTH, usage, kind->help);
}

static void append_field(struct buf *out, char field, const char *value)
{
    buf_append_u8(out, (uint8_t)field);
    buf_append_cstr(out, value);
}

void help_run(struct console *c, const struct command *command)
{
    size_t start = build_begin(&c->out, WIRE_NOTICE);

    (void)command;
    append_field(&c->out, 'S', "NOTICE");
    append_field(&c->out, 'V', "NOTICE");
    append_field(&c->out, 'C', "00000");
    buf_append(&c->out, "MConsole usage", 14);
    for (size_t i = 0; i < command_kind_count; i++) {
        if (command_kinds[i].help != NULL) {
            append_usage(&c->out, &command_kinds[i]);
        }
    }
    buf_append_u8(&c->out, 0);
    buf_append_u8(&c->out, 0);
    build_end(&c->out, start);
    console_done(c, "SHOW");
}
