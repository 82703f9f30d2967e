// SPDX-License-Identifier: MIT
//
// One value by its type: text in, something typed and bounded out. Messages quote the text, but no
// secret goes through here.
#include "config/decode.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "config/pattern.h"
#include "config/units.h"

#define TIME_MAX ((int64_t)INT_MAX) /* ms: what PostgreSQL's own timeouts can hold, 24 days */

const char *decode_path(struct decoder *d, const struct spot *spot)
{
    const struct scope *scope = &schema_scopes[spot->key->scope];
    char *path = spot->entry == NULL
                     ? x_strdup(spot->key->path)
                     : x_printf("%s%s.%s", scope->prefix, spot->entry, spot->key->path);
    const char *copy = arena_string(d->parsed, slice_str(path));

    free(path);
    return copy;
}

void decode_fault(struct decoder *d, const struct spot *spot, const struct node *at,
                  const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    config_faults_add(d->faults, at->line, at->column, "%s: %s", decode_path(d, spot), text);
}

const char *decode_text(struct decoder *d, const struct spot *spot, const struct node *node,
                        const char *what)
{
    if (node->kind == NODE_SCALAR && !node_is_null(node)) {
        return node->text;
    }
    decode_fault(d, spot, node, "must be %s%s", what,
                 node->kind == NODE_MAP    ? ", not a map"
                 : node->kind == NODE_LIST ? ", not a list"
                                           : "");
    return NULL;
}

static bool check_bounds(struct decoder *d, const struct spot *spot, int64_t value, int64_t most)
{
    const struct key *key = spot->key;
    int64_t max = key->max == 0 ? most : key->max;

    if (value >= key->min && value <= max) {
        return true;
    }
    decode_fault(d, spot, spot->node, "%s is not between %" PRId64 " and %" PRId64,
                 spot->node->text, key->min, max);
    return false;
}

static void decode_int(struct decoder *d, const struct spot *spot)
{
    const struct key *key = spot->key;
    const char *text = decode_text(d, spot, spot->node, "a whole number");
    char *end;

    if (text == NULL) {
        return;
    }
    if (key->zero != NULL && strcmp(text, key->zero) == 0) {
        *(int *)spot->to = 0;
        return;
    }
    long long value = strtoll(text, &end, 10);
    if (strchr("-0123456789", text[0]) == NULL || *end != '\0' || end == text) {
        decode_fault(d, spot, spot->node, "\"%s\" is not a whole number%s%s", text,
                     key->zero == NULL ? "" : " or ", key->zero == NULL ? "" : key->zero);
        return;
    }
    if (check_bounds(d, spot, value, INT_MAX)) {
        *(int *)spot->to = (int)value;
    }
}

static void refuse_units(struct decoder *d, const struct spot *spot, enum units_result result)
{
    const char *text = spot->node->text;
    bool time = spot->key->type == KEY_TIME;

    if (result == UNITS_MISSING) {
        decode_fault(d, spot, spot->node, "%s has no unit: write %sms, %ss, %sm, %sh or %sd", text,
                     text, text, text, text, text);
    } else if (result == UNITS_TOO_LARGE) {
        decode_fault(d, spot, spot->node, "%s is too large", text);
    } else if (time) {
        decode_fault(d, spot, spot->node,
                     "\"%s\" is not a time: a whole number and ms, s, m, h or d", text);
    } else {
        decode_fault(d, spot, spot->node,
                     "\"%s\" is not a size: bytes, or a whole number and KiB, MiB or GiB", text);
    }
}

static void decode_units(struct decoder *d, const struct spot *spot)
{
    bool time = spot->key->type == KEY_TIME;
    const char *text = decode_text(d, spot, spot->node, time ? "a time" : "a size");
    int64_t value = 0;

    if (text == NULL) {
        return;
    }
    enum units_result result =
        time ? units_parse_time(text, &value) : units_parse_size(text, &value);
    if (result != UNITS_OK) {
        refuse_units(d, spot, result);
        return;
    }
    if (time && value > TIME_MAX) {
        decode_fault(d, spot, spot->node, "%s is too large: at most 24d", text);
        return;
    }
    if (check_bounds(d, spot, value, INT64_MAX)) {
        *(int64_t *)spot->to = value;
    }
}

static void decode_bool(struct decoder *d, const struct spot *spot)
{
    static const char *const yes[] = {"true", "yes", "on"};
    static const char *const no[] = {"false", "no", "off"};
    const char *text = decode_text(d, spot, spot->node, "true or false");

    if (text == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *(bool *)spot->to = strcasecmp(text, yes[i]) == 0;
            return;
        }
    }
    decode_fault(d, spot, spot->node, "\"%s\" is neither true nor false", text);
}

static void refuse_choice(struct decoder *d, const struct spot *spot, const char *text)
{
    struct buf list = {0};

    for (int i = 0; spot->key->choices[i] != NULL; i++) {
        buf_printf(&list, "%s%s", i == 0 ? "" : ", ", spot->key->choices[i]);
    }
    buf_append_u8(&list, 0);
    decode_fault(d, spot, spot->node, "\"%s\" is none of %s", text, (const char *)list.p);
    buf_release(&list);
}

static void decode_choice(struct decoder *d, const struct spot *spot)
{
    const char *text = decode_text(d, spot, spot->node, "a word");

    if (text == NULL) {
        return;
    }
    for (int i = 0; spot->key->choices[i] != NULL; i++) {
        if (strcmp(text, spot->key->choices[i]) == 0) {
            *(int *)spot->to = i; /* every enum of the snapshot is kept as an int */
            return;
        }
    }
    refuse_choice(d, spot, text);
}

/* What the row asks of a text: that it is there, that it is a name, its placeholders. */
static bool check_text(struct decoder *d, const struct spot *spot, const char *text)
{
    const struct key *key = spot->key;
    struct problem problem;

    if (text[0] == '\0' && (key->some || key->type == KEY_NAME)) {
        decode_fault(d, spot, spot->node, "must not be empty");
        return false;
    }
    if (key->type == KEY_NAME && key->places == 0 && strlen(text) > LIMIT_NAME) {
        decode_fault(d, spot, spot->node, "is longer than %d bytes", LIMIT_NAME);
        return false;
    }
    if (key->places != 0 && !pattern_check(text, key->places, &problem)) {
        decode_fault(d, spot, spot->node, "%s", problem.text);
        return false;
    }
    return true;
}

/* The folder of credentials that systemd has for a service; known only when it runs. */
#define CREDENTIALS "$CREDENTIALS_DIRECTORY/"

const char *decode_file_path(struct decoder *d, const char *text)
{
    const char *folder = d->folder;

    if (strncmp(text, CREDENTIALS, sizeof CREDENTIALS - 1) == 0 &&
        getenv("CREDENTIALS_DIRECTORY") != NULL) {
        folder = getenv("CREDENTIALS_DIRECTORY");
        text += sizeof CREDENTIALS - 1;
    } else if (text[0] == '/' || text[0] == '\0') {
        return arena_string(d->arena, slice_str(text));
    }
    char *path = x_printf("%s/%s", folder, text);
    const char *copy = arena_string(d->arena, slice_str(path));
    free(path);
    return copy;
}

static void decode_scalar_text(struct decoder *d, const struct spot *spot)
{
    const char *text = decode_text(d, spot, spot->node, "a text");

    if (text != NULL && check_text(d, spot, text)) {
        *(const char **)spot->to = spot->key->type == KEY_PATH
                                       ? decode_file_path(d, text)
                                       : arena_string(d->arena, slice_str(text));
    }
}

/* The words of a list in the arena, or NULL and a fault at the first that is none. */
static const char **copy_words(struct decoder *d, const struct spot *spot, const struct node *list)
{
    const char **items = arena_alloc(d->arena, list->count * sizeof *items);

    for (size_t i = 0; i < list->count; i++) {
        const struct node *node = list->entries[i].value;
        const char *text = decode_text(d, spot, node, "a list of texts");
        if (text != NULL && text[0] == '\0') {
            decode_fault(d, spot, node, "must not be empty");
            text = NULL;
        }
        if (text == NULL) {
            return NULL;
        }
        items[i] = arena_string(d->arena, slice_str(text));
    }
    return items;
}

bool decode_strings(struct decoder *d, const struct spot *spot, const struct node *node,
                    struct strings *to)
{
    const struct node_entry entry = {.value = node};
    const struct node one = {.kind = NODE_LIST, .entries = &entry, .count = 1};
    const struct node *list = node->kind == NODE_LIST ? node : &one;

    if (list->count == 0) {
        *to = (struct strings){.count = 0};
        return true;
    }
    const char **items = copy_words(d, spot, list);
    if (items == NULL) {
        return false;
    }
    *to = (struct strings){.items = items, .count = list->count};
    return true;
}

static void decode_list(struct decoder *d, const struct spot *spot)
{
    if (spot->key->some && spot->node->kind == NODE_LIST && spot->node->count == 0) {
        decode_fault(d, spot, spot->node, "must not be empty");
        return;
    }
    (void)decode_strings(d, spot, spot->node, spot->to);
}

/* null takes a value away where none is the default. */
static bool decode_null(const struct spot *spot)
{
    bool text =
        spot->key->type == KEY_TEXT || spot->key->type == KEY_NAME || spot->key->type == KEY_PATH;

    if (!text || spot->key->fallback != NULL || !node_is_null(spot->node)) {
        return false;
    }
    *(const char **)spot->to = NULL;
    return true;
}

void decode_value(struct decoder *d, const struct spot *spot)
{
    if (decode_null(spot)) {
        return;
    }
    switch (spot->key->type) {
    case KEY_SECTION:
    case KEY_NAMED:
        return; /* the walk descends into them */
    case KEY_INT:
        decode_int(d, spot);
        return;
    case KEY_TIME:
    case KEY_SIZE:
        decode_units(d, spot);
        return;
    case KEY_BOOL:
        decode_bool(d, spot);
        return;
    case KEY_CHOICE:
        decode_choice(d, spot);
        return;
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_PATH:
        decode_scalar_text(d, spot);
        return;
    case KEY_STRINGS:
        decode_list(d, spot);
        return;
    case KEY_SECRET:
        decode_secret(d, decode_path(d, spot), spot->node, spot->to);
        return;
    case KEY_SETTINGS:
        decode_settings(d, spot);
        return;
    case KEY_LOGIN:
        decode_login(d, spot);
        return;
    case KEY_RULES:
        decode_rules(d, spot);
        return;
    case KEY_PAIRS:
        decode_pairs(d, spot);
        return;
    }
}
