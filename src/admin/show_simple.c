// SPDX-License-Identifier: MIT
//
// show_simple: what is known without asking anybody: SHOW HELP, VERSION and STATE.
#include "admin/show.h"

#include <ctype.h>
#include <stdio.h>

#include "admin/command.h"

/* ---- HELP ---- */

static const struct column help_columns[] = {{"command", COLUMN_TEXT}, {"effect", COLUMN_TEXT}};

/* Keywords in capitals, as they are written in manuals. */
static void render_command(struct rows *rows, const struct command_kind *kind)
{
    char text[128];
    size_t n = 0;

    for (; kind->words[n] != '\0' && n < sizeof text - 1; n++) {
        text[n] = (char)toupper((unsigned char)kind->words[n]);
    }
    int more = snprintf(text + n, sizeof text - n, "%s%s", kind->usage == NULL ? "" : " ",
                        kind->usage == NULL ? "" : kind->usage);
    row_slice(rows, slice_of(text, n + (size_t)more));
}

static void render_help(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    (void)admin;
    (void)gather;
    for (size_t i = 0; i < command_kind_count; i++) {
        if (command_kinds[i].help != NULL) {
            row_begin(rows);
            render_command(rows, &command_kinds[i]);
            row_text(rows, command_kinds[i].help);
            row_end(rows);
        }
    }
}

const struct show show_help = {.columns = COLUMNS(help_columns), .render = render_help};

/* ---- VERSION ---- */

static const struct column version_columns[] = {{"version", COLUMN_TEXT}};

static void render_version(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    (void)admin;
    (void)gather;
    row_begin(rows);
    row_text(rows, "fahrend " FAHREND_VERSION);
    row_end(rows);
}

const struct show show_version = {.columns = COLUMNS(version_columns), .render = render_version};

/* ---- STATE ---- */

static const struct column state_columns[] = {{"key", COLUMN_TEXT}, {"value", COLUMN_TEXT}};

static void render_key(struct rows *rows, const char *key, bool value)
{
    row_begin(rows);
    row_text(rows, key);
    row_text(rows, value ? "yes" : "no");
    row_end(rows);
}

static void render_state(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    (void)admin;
    (void)gather;
    render_key(rows, "active", true);
    render_key(rows, "paused", false);
    render_key(rows, "suspended", false);
}

const struct show show_state = {.columns = COLUMNS(state_columns), .render = render_state};
