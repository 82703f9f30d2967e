// SPDX-License-Identifier: MIT
//
// The reference is the table in the form of the file that it describes. What has a default stands
// with it; what has none is commented out, with an example.
#include <inttypes.h>
#include <string.h>

#include "config/schema.h"
#include "config/show.h"
#include "config/units.h"

#define WIDTH 100

static const char head[] =
    "# Every key of fahrend's configuration, with its default. Made by `fahrend --reference`.\n"
    "# A key that is commented out has no default; an example stands in its place.\n"
    "# Times take a unit (500ms, 5s, 10m, 1h, 1d), sizes may (64KiB, 1MiB, 1GiB).\n"
    "# A change takes effect on reload, unless it is said to wait for a restart.\n"
    "# Relative paths begin at the folder of the file.\n";

static void indent(struct buf *out, int depth)
{
    buf_printf(out, "%*s", depth * 2, "");
}

/* Comment lines of whole words, broken before WIDTH. */
static void comment(struct buf *out, int depth, const char *text)
{
    const char *p = text;

    while (*p != '\0') {
        size_t room = (size_t)(WIDTH - depth * 2 - 2);
        size_t n = strlen(p);
        if (n > room) {
            n = room;
            while (n > 0 && p[n] != ' ') {
                n--;
            }
            n = n == 0 ? room : n;
        }
        indent(out, depth);
        buf_printf(out, "# %.*s\n", (int)n, p);
        p += n;
        p += strspn(p, " ");
    }
}

static void describe_choices(struct buf *out, const struct key *key)
{
    buf_printf(out, "one of ");
    for (int i = 0; key->choices[i] != NULL; i++) {
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", key->choices[i]);
    }
}

static void describe_places(struct buf *out, unsigned places)
{
    if ((places & PLACE_TENANT) != 0) {
        buf_printf(out, ", may hold {tenant}");
    }
    if ((places & PLACE_SCHEMA) != 0) {
        buf_printf(out, ", {schema}");
    }
    if ((places & PLACE_ROLE) != 0) {
        buf_printf(out, ", {role}");
    }
    if ((places & PLACE_APPLICATION) != 0) {
        buf_printf(out, ", {application_name}");
    }
    if ((places & PLACE_CLIENT) != 0) {
        buf_printf(out, ", {client_addr}");
    }
}

static void describe_size(struct buf *out, const struct key *key)
{
    buf_printf(out, "size from ");
    units_print_size(out, key->min);
    buf_printf(out, " to %" PRId64, key->max);
}

static void describe_type(struct buf *out, const struct key *key)
{
    switch (key->type) {
    case KEY_SECTION:
    case KEY_NAMED:
        return;
    case KEY_INT:
        buf_printf(out, "whole number from %" PRId64 " to %" PRId64 "%s%s", key->min, key->max,
                   key->zero == NULL ? "" : ", or ", key->zero == NULL ? "" : key->zero);
        return;
    case KEY_TIME:
        buf_printf(out, "time");
        return;
    case KEY_SIZE:
        describe_size(out, key);
        return;
    case KEY_BOOL:
        buf_printf(out, "true or false");
        return;
    case KEY_CHOICE:
        describe_choices(out, key);
        return;
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_PATH:
        buf_printf(out, key->type == KEY_TEXT ? "text" : key->type == KEY_NAME ? "name" : "path");
        describe_places(out, key->places);
        return;
    case KEY_STRINGS:
        buf_printf(out, "text, or a list of texts");
        return;
    case KEY_SECRET:
        buf_printf(out, "secret");
        return;
    case KEY_SETTINGS:
        buf_printf(out, "map from names to values");
        return;
    case KEY_LOGIN:
        buf_printf(out, "client, tenant, or a map with user and password");
        return;
    case KEY_RULES:
        buf_printf(out, "list of rules");
        return;
    case KEY_PAIRS:
        buf_printf(out, "list of maps with certificate and key");
        return;
    }
}

static void describe(struct buf *out, int depth, const struct key *key)
{
    struct buf line = {0};

    describe_type(&line, key);
    if (key->fallback == NULL) {
        buf_printf(&line, "; no default");
    } else {
        bool below = strlen(key->fallback) > 40;
        buf_printf(&line, "; default %s", below ? "below" : key->fallback);
    }
    static const char *const effects[] = {[EFFECT_CLIENTS] = "reloadable, for new clients",
                                          [EFFECT_NOW] = "reloadable, at once",
                                          [EFFECT_RESTART] = "waits for a restart"};

    buf_printf(&line, "; %s", effects[schema_effect(key)]);
    buf_append_u8(&line, 0);
    comment(out, depth, (const char *)line.p);
    buf_release(&line);
}

static int count_dots(const char *text)
{
    int dots = 0;

    for (const char *p = strchr(text, '.'); p != NULL; p = strchr(p + 1, '.')) {
        dots++;
    }
    return dots;
}

/* How far a scope's keys stand in: below the map's own depth there is the entry's name. */
static int scope_depth(enum key_scope scope)
{
    return scope == SCOPE_TOP ? 0 : count_dots(schema_scopes[scope].prefix) + 1;
}

static void write_key(struct buf *out, const struct key *key, int depth)
{
    bool shown = key->fallback != NULL || key->needed;

    comment(out, depth, key->help);
    describe(out, depth, key);
    indent(out, depth);
    buf_printf(out, "%s%s: %s\n", shown ? "" : "# ", schema_leaf(key),
               key->fallback != NULL ? key->fallback : key->example);
}

static void write_scope(struct buf *out, enum key_scope scope);

/* A named map and one entry of it. */
static void write_named(struct buf *out, const struct key *key, int depth)
{
    comment(out, depth, key->help);
    indent(out, depth);
    buf_printf(out, "%s:\n", schema_leaf(key));
    indent(out, depth + 1);
    buf_printf(out, "%s:\n", schema_scopes[key->entries].example);
    write_scope(out, key->entries);
}

static void write_section(struct buf *out, const struct key *key, int depth)
{
    comment(out, depth, key->help);
    indent(out, depth);
    buf_printf(out, "%s:\n", schema_leaf(key));
}

static void write_scope(struct buf *out, enum key_scope scope)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        int depth = scope_depth(scope) + count_dots(key->path);
        if (key->scope != scope) {
            continue;
        }
        if (depth == 0) {
            buf_append(out, "\n", 1);
        }
        if (key->type == KEY_NAMED) {
            write_named(out, key, depth);
        } else if (key->type == KEY_SECTION) {
            write_section(out, key, depth);
        } else {
            write_key(out, key, depth);
        }
    }
}

void config_reference(struct buf *out)
{
    buf_append(out, head, sizeof head - 1);
    write_scope(out, SCOPE_TOP);
}
