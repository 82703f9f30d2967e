// SPDX-License-Identifier: MIT
//
// show_simple: what is known without asking anybody: SHOW VERSION and STATE.
#include "admin/show.h"

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
    uint32_t shut = admin->gates.all;

    (void)gather;
    render_key(rows, "active", (shut & (GATE_PAUSED | GATE_SUSPENDED)) == 0);
    render_key(rows, "paused", (shut & GATE_PAUSED) != 0);
    render_key(rows, "suspended", (shut & GATE_SUSPENDED) != 0);
}

const struct show show_state = {.columns = COLUMNS(state_columns), .render = render_state};
