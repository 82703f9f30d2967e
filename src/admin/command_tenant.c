// SPDX-License-Identifier: MIT
//
// Options become a JSON object as they are read: that is how the registry keeps them, and what
// config/overlay.h takes.
#include "admin/command_tenant.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_SIZE = 1024 }; /* bytes of a key or a value */

/* Where the next byte of the object goes. */
struct object {
    char *at;
    char *end; /* its last byte is for the terminator */
};

static void put(struct object *o, char c)
{
    if (o->at < o->end) {
        *o->at++ = c;
    }
}

static void put_all(struct object *o, const char *text)
{
    for (; *text != '\0'; text++) {
        put(o, *text);
    }
}

static void put_text(struct object *o, const char *text)
{
    char escape[8];

    put(o, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            put(o, '\\');
            put(o, *text);
        } else if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*text);
            put_all(o, escape);
        } else {
            put(o, *text);
        }
    }
    put(o, '"');
}

/* key = value, where DEFAULT takes a key back. */
static int read_option(const struct words *words, size_t at, struct object *o, struct err *err)
{
    const struct word *key = &words->items[at];
    char text[OPTION_SIZE];

    if (key->kind != WORD_BARE && key->kind != WORD_QUOTED) {
        return words_unexpected(key, err);
    }
    int rc = word_copy(key, text, sizeof text, err);
    if (rc < 0) {
        return rc;
    }
    put_text(o, text);
    put(o, ':');
    if (at + 1 < words->count && !word_is_mark(&words->items[at + 1], '=')) {
        return words_unexpected(&words->items[at + 1], err);
    }
    if (at + 2 >= words->count) {
        return err_set(err, ERR_SYNTAX, "syntax error: \"%.60s\" needs = and a value", text);
    }
    const struct word *value = &words->items[at + 2];
    if (value->kind == WORD_MARK) {
        return words_unexpected(value, err);
    }
    if (words_have(words, at + 2, "default")) {
        put_all(o, "null");
        return 0;
    }
    rc = word_copy(value, text, sizeof text, err);
    put_text(o, text);
    return rc;
}

/* (key = value, …); *at goes behind it. */
static int read_options(const struct words *words, size_t *at, struct command *command,
                        struct err *err)
{
    struct object o = {.at = command->options,
                       .end = command->options + sizeof command->options - 1};

    if (*at >= words->count || !word_is_mark(&words->items[*at], '(')) {
        return *at < words->count ? words_unexpected(&words->items[*at], err)
                                  : words_missing(command->kind->words, "(key = value, …)", err);
    }
    put(&o, '{');
    do {
        ++*at;
        if (*at == words->count) {
            return words_missing(command->kind->words, "key = value", err);
        }
        int rc = read_option(words, *at, &o, err);
        if (rc < 0) {
            return rc;
        }
        *at += 3;
        bool more = *at < words->count && word_is_mark(&words->items[*at], ',');
        put(&o, more ? ',' : '}');
    } while (*at < words->count && word_is_mark(&words->items[*at], ','));
    if (*at == words->count) {
        return words_missing(command->kind->words, "a closing parenthesis", err);
    }
    if (!word_is_mark(&words->items[*at], ')')) {
        return words_unexpected(&words->items[*at], err);
    }
    ++*at;
    if (o.at == o.end) {
        return err_set(err, ERR_SYNTAX, "syntax error: the options have more than %d bytes",
                       COMMAND_OPTIONS_SIZE - 1);
    }
    *o.at = '\0';
    return 0;
}

static bool takes(const struct words *words, size_t *at, const char *keyword)
{
    bool there = words_have(words, *at, keyword);

    *at += there ? 1 : 0;
    return there;
}

static int read_dry_run(const struct words *words, size_t *at, struct command *command,
                        struct err *err)
{
    if (!takes(words, at, "dry")) {
        return 0;
    }
    command->dry = true;
    return takes(words, at, "run") ? 0 : words_missing(command->kind->words, "RUN after DRY", err);
}

int command_read_clauses(const struct words *words, size_t at, struct command *command,
                         struct err *err)
{
    enum command_argument argument = command->kind->argument;
    const char *lead = argument == ARGUMENT_ALTER ? "set" : "with";
    int rc = 0;

    strcpy(command->options, "{}");
    if (argument != ARGUMENT_DROP && takes(words, &at, lead)) {
        rc = read_options(words, &at, command, err);
    } else if (argument == ARGUMENT_ALTER && takes(words, &at, "rotate")) {
        command->rotate = true;
        rc = takes(words, &at, "password")
                 ? 0
                 : words_missing(command->kind->words, "PASSWORD after ROTATE", err);
    } else if (argument == ARGUMENT_ALTER) {
        return at < words->count ? words_unexpected(&words->items[at], err)
                                 : words_missing(command->kind->words, "SET (key = value, …)", err);
    }
    if (argument == ARGUMENT_DROP) {
        command->cascade = takes(words, &at, "cascade");
    }
    if (rc == 0 && !command->rotate) {
        rc = read_dry_run(words, &at, command, err);
    }
    return rc == 0 && at < words->count ? words_unexpected(&words->items[at], err) : rc;
}
