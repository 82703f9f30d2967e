// SPDX-License-Identifier: MIT
#include "admin/command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "admin/command_tenant.h"
#include "admin/show.h"
#include "admin/words.h"

/* As in PgBouncer, SELECT may stand for SHOW. */
static bool matches(const struct word *word, struct slice keyword)
{
    return word_is(word, keyword) ||
           (slice_eq_str(keyword, "show") && word_is(word, slice_str("select")));
}

/* How many words of the text are the kind's; 0 where they are not all there. */
static size_t match_kind(const struct command_kind *kind, const struct words *words)
{
    struct slice left = slice_str(kind->words);
    size_t n = 0;

    while (left.n > 0) {
        ptrdiff_t space = slice_find(left, ' ');
        struct slice keyword = space < 0 ? left : slice_head(left, (size_t)space);
        if (n == words->count || !matches(&words->items[n], keyword)) {
            return 0;
        }
        left = slice_from(left, keyword.n + 1);
        n++;
    }
    return n;
}

/* The kind with the most words in common; the first of several. */
static const struct command_kind *find_kind(const struct words *words, size_t *taken)
{
    const struct command_kind *found = NULL;

    *taken = 0;
    for (size_t i = 0; i < command_kind_count; i++) {
        size_t n = match_kind(&command_kinds[i], words);
        if (n > *taken) {
            *taken = n;
            found = &command_kinds[i];
        }
    }
    return found;
}

/* ---- arguments ---- */

static int read_name(const struct word *word, struct command *command, struct err *err)
{
    if (word->kind != WORD_BARE && word->kind != WORD_QUOTED) {
        return words_unexpected(word, err);
    }
    command->has_name = true;
    int rc = word_copy(word, command->name, sizeof command->name, err);
    if (rc == 0 && command->name[0] == '\0') {
        return err_set(err, ERR_SYNTAX, "syntax error: a name is empty");
    }
    return rc;
}

static int read_number(const struct word *word, struct command *command, struct err *err)
{
    if (word->kind != WORD_BARE || word->text.n > 18) {
        return words_unexpected(word, err);
    }
    for (size_t i = 0; i < word->text.n; i++) {
        uint8_t c = word->text.p[i];
        if (c < '0' || c > '9') {
            return words_unexpected(word, err);
        }
        command->number = command->number * 10 + (uint64_t)(c - '0');
    }
    return 0;
}

/* key = value, key TO value; more values behind a comma are let pass, as in a list. */
static int read_assignment(const struct words *words, size_t at, struct command *command,
                           struct err *err)
{
    if (at + 3 > words->count) {
        return words_missing(command->kind->words, "key = value", err);
    }
    const struct word *sign = &words->items[at + 1];
    if (!word_is_mark(sign, '=') && !word_is(sign, slice_str("to"))) {
        return words_unexpected(sign, err);
    }
    if (at + 3 < words->count && !word_is_mark(&words->items[at + 3], ',')) {
        return words_unexpected(&words->items[at + 3], err);
    }
    int rc = read_name(&words->items[at], command, err);
    return rc < 0 ? rc : word_copy(&words->items[at + 2], command->value, COMMAND_VALUE_SIZE, err);
}

static int read_single(const struct words *words, size_t at, struct command *command,
                       struct err *err)
{
    enum command_argument argument = command->kind->argument;

    if (at == words->count) {
        return argument == ARGUMENT_OPTIONAL_NAME
                   ? 0
                   : words_missing(command->kind->words,
                                   argument == ARGUMENT_NUMBER ? "a number" : "a name", err);
    }
    if (at + 1 < words->count) {
        return words_unexpected(&words->items[at + 1], err);
    }
    return argument == ARGUMENT_NUMBER ? read_number(&words->items[at], command, err)
                                       : read_name(&words->items[at], command, err);
}

/* ---- the arguments of SETUP ---- */

/* Words as they were written; a newline would end the name. */
static int append_table(const struct word *word, struct command *command, struct err *err)
{
    const char *quote = word->kind == WORD_QUOTED ? "\"" : "";
    size_t at = strlen(command->tables);
    size_t room = sizeof command->tables - at;

    if ((word->kind != WORD_QUOTED && word->kind != WORD_BARE) ||
        slice_find(word->text, '\n') >= 0) {
        return words_unexpected(word, err);
    }
    int n = snprintf(command->tables + at, room, "%s%.*s%s", quote, (int)word->text.n,
                     (const char *)word->text.p, quote);
    return n > 0 && (size_t)n + 1 < room
               ? 0
               : err_set(err, ERR_SYNTAX, "syntax error: too many tables in one command");
}

/* A table's name is one word, or several without a comma between: "a"."b". */
static int read_tables(const struct words *words, size_t *at, struct command *command,
                       struct err *err)
{
    bool open = false;

    for (; *at < words->count && !words_have(words, *at, "dry"); ++*at) {
        const struct word *word = &words->items[*at];
        if (word_is_mark(word, ',') && open) {
            strcat(command->tables, "\n"); /* append_table left room for it */
            open = false;
            continue;
        }
        int rc = append_table(word, command, err);
        if (rc < 0) {
            return rc;
        }
        open = true;
    }
    if (!open) {
        return words_missing(command->kind->words, "a table behind ON and behind each comma", err);
    }
    strcat(command->tables, "\n");
    return 0;
}

static int read_setup(const struct words *words, size_t at, struct command *command,
                      struct err *err)
{
    int rc = 0;

    if (words_have(words, at, "for") && words_have(words, at + 1, "tenant")) {
        if (at + 2 == words->count) {
            return words_missing(command->kind->words, "a name behind FOR TENANT", err);
        }
        rc = read_name(&words->items[at + 2], command, err);
        at += 3;
    }
    if (rc == 0 && words_have(words, at, "on")) {
        at++;
        rc = read_tables(words, &at, command, err);
    }
    if (rc == 0 && words_have(words, at, "dry") && words_have(words, at + 1, "run")) {
        command->dry = true;
        at += 2;
    }
    return rc == 0 && at < words->count ? words_unexpected(&words->items[at], err) : rc;
}

/* … but not a second command. */
static int read_anything(const struct words *words, size_t at, struct err *err)
{
    for (size_t i = at; i < words->count; i++) {
        if (word_is_mark(&words->items[i], ';')) {
            return words_unexpected(&words->items[i], err);
        }
    }
    return 0;
}

/* The name, and what a tenant is made with. */
static int read_tenant(const struct words *words, size_t at, struct command *command,
                       struct err *err)
{
    if (at == words->count) {
        return words_missing(command->kind->words, "a name", err);
    }
    int rc = read_name(&words->items[at], command, err);
    return rc < 0 ? rc : command_read_clauses(words, at + 1, command, err);
}

/* A name, and a level that may be left out. */
static int read_level(const struct words *words, size_t at, struct command *command,
                      struct err *err)
{
    if (at == words->count) {
        return words_missing(command->kind->words, "a name", err);
    }
    int rc = read_name(&words->items[at], command, err);
    if (rc < 0 || at + 1 == words->count) {
        return rc;
    }
    if (at + 2 < words->count || words->items[at + 1].kind != WORD_BARE) {
        return words_unexpected(&words->items[at + 2 < words->count ? at + 2 : at + 1], err);
    }
    return word_copy(&words->items[at + 1], command->value, COMMAND_VALUE_SIZE, err);
}

static int read_argument(const struct words *words, size_t at, struct command *command,
                         struct err *err)
{
    switch (command->kind->argument) {
    case ARGUMENT_NONE:
        return at < words->count ? words_unexpected(&words->items[at], err) : 0;
    case ARGUMENT_NAME:
    case ARGUMENT_OPTIONAL_NAME:
    case ARGUMENT_NUMBER:
        return read_single(words, at, command, err);
    case ARGUMENT_ASSIGNMENT:
        return read_assignment(words, at, command, err);
    case ARGUMENT_SETUP:
        return read_setup(words, at, command, err);
    case ARGUMENT_CREATE:
    case ARGUMENT_ALTER:
    case ARGUMENT_DROP:
        return read_tenant(words, at, command, err);
    case ARGUMENT_LEVEL:
        return read_level(words, at, command, err);
    case ARGUMENT_ANYTHING:
        break;
    }
    return read_anything(words, at, err);
}

int command_parse(struct slice text, struct command *command, struct err *err)
{
    struct words words;
    size_t taken;

    *command = (struct command){.kind = NULL};
    int rc = words_split(text, &words, err);
    if (rc < 0 || words.count == 0) {
        return rc;
    }
    command->kind = find_kind(&words, &taken);
    if (command->kind == NULL) {
        struct slice shown = slice_head(text, 60);
        return err_set(err, ERR_SYNTAX, "invalid command '%.*s', use SHOW HELP;", (int)shown.n,
                       (const char *)shown.p);
    }
    return read_argument(&words, taken, command, err);
}

void command_for_tenant(struct command *command, const char *words, const char *tenant)
{
    size_t i = 0;

    while (strcmp(command_kinds[i].words, words) != 0) {
        i++;
        assert(i < command_kind_count);
    }
    *command = (struct command){.kind = &command_kinds[i], .has_name = true, .options = "{}"};
    (void)snprintf(command->name, sizeof command->name, "%s", tenant);
}

struct columns command_columns(const struct command *command)
{
    const struct command_kind *kind = command->kind;

    if (kind == NULL) {
        return (struct columns){.count = 0};
    }
    return kind->show != NULL ? kind->show->columns : kind->columns;
}
