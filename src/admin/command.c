// SPDX-License-Identifier: MIT
#include "admin/command.h"

#include <stdio.h>
#include <string.h>

#include "admin/show.h"

enum { WORDS_MAX = 64 };

enum word_kind { WORD_BARE, WORD_QUOTED, WORD_LITERAL, WORD_MARK };

struct word {
    enum word_kind kind;
    struct slice text; /* without its quotes; doubled ones inside are still doubled */
};

struct words {
    struct word items[WORDS_MAX];
    size_t count;
};

/* ---- words ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '$' || c >= 0x80;
}

static struct slice skip_space(struct slice s)
{
    size_t n = 0;

    while (n < s.n && is_space(s.p[n])) {
        n++;
    }
    return slice_from(s, n);
}

/* Takes the text up to the closing quote; a doubled one is part of the text. */
static int take_quoted(struct slice *rest, uint8_t quote, struct slice *text, struct err *err)
{
    size_t at = 1;

    while (at < rest->n &&
           (rest->p[at] != quote || (at + 1 < rest->n && rest->p[at + 1] == quote))) {
        at += rest->p[at] == quote ? 2 : 1;
    }
    if (at >= rest->n) {
        return err_set(err, ERR_SYNTAX, "syntax error: a quote is not closed");
    }
    *text = slice_of(rest->p + 1, at - 1);
    *rest = slice_from(*rest, at + 1);
    return 0;
}

static int take_word(struct slice *rest, struct word *word, struct err *err)
{
    uint8_t first = rest->p[0];
    size_t n = 0;

    if (first == '"' || first == '\'') {
        word->kind = first == '"' ? WORD_QUOTED : WORD_LITERAL;
        return take_quoted(rest, first, &word->text, err);
    }
    while (n < rest->n && is_word_byte(rest->p[n])) {
        n++;
    }
    word->kind = n > 0 ? WORD_BARE : WORD_MARK;
    word->text = slice_head(*rest, n > 0 ? n : 1);
    *rest = slice_from(*rest, word->text.n);
    return 0;
}

static bool is_mark(const struct word *word, char mark)
{
    return word->kind == WORD_MARK && word->text.p[0] == (uint8_t)mark;
}

/* Splits the text; semicolons at its end are dropped. */
static int split(struct slice text, struct words *words, struct err *err)
{
    words->count = 0;
    for (text = skip_space(text); text.n > 0; text = skip_space(text)) {
        if (words->count == WORDS_MAX) {
            return err_set(err, ERR_SYNTAX, "syntax error: too many words, use SHOW HELP;");
        }
        int rc = take_word(&text, &words->items[words->count], err);
        if (rc < 0) {
            return rc;
        }
        words->count++;
    }
    while (words->count > 0 && is_mark(&words->items[words->count - 1], ';')) {
        words->count--;
    }
    return 0;
}

/* ---- keywords ---- */

static bool is_keyword(const struct word *word, struct slice keyword)
{
    if ((word->kind != WORD_BARE && word->kind != WORD_MARK) || word->text.n != keyword.n) {
        return false;
    }
    for (size_t i = 0; i < keyword.n; i++) {
        uint8_t c = word->text.p[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
        if (c != keyword.p[i]) {
            return false;
        }
    }
    return true;
}

/* As in PgBouncer, SELECT may stand for SHOW. */
static bool matches(const struct word *word, struct slice keyword)
{
    return is_keyword(word, keyword) ||
           (slice_eq_str(keyword, "show") && is_keyword(word, slice_str("select")));
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

static int unexpected(const struct word *word, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "syntax error at \"%.*s\", use SHOW HELP;",
                   (int)slice_head(word->text, 40).n, (const char *)word->text.p);
}

static int missing(const struct command_kind *kind, const char *what, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "syntax error: \"%s\" needs %s", kind->words, what);
}

/* Writes the word without the doubling of its quotes. */
static int copy_word(const struct word *word, char *out, size_t size, struct err *err)
{
    char quote = word->kind == WORD_QUOTED ? '"' : word->kind == WORD_LITERAL ? '\'' : '\0';
    size_t n = 0;

    for (size_t i = 0; i < word->text.n; i++) {
        char c = (char)word->text.p[i];
        if (n + 1 == size || c == '\0') {
            return err_set(err, ERR_SYNTAX, "syntax error: a word is too long or has a NUL in it");
        }
        out[n++] = c;
        i += quote != '\0' && c == quote ? 1 : 0;
    }
    out[n] = '\0';
    return 0;
}

static int read_name(const struct word *word, struct command *command, struct err *err)
{
    if (word->kind != WORD_BARE && word->kind != WORD_QUOTED) {
        return unexpected(word, err);
    }
    command->has_name = true;
    int rc = copy_word(word, command->name, sizeof command->name, err);
    if (rc == 0 && command->name[0] == '\0') {
        return err_set(err, ERR_SYNTAX, "syntax error: a name is empty");
    }
    return rc;
}

static int read_number(const struct word *word, struct command *command, struct err *err)
{
    if (word->kind != WORD_BARE || word->text.n > 18) {
        return unexpected(word, err);
    }
    for (size_t i = 0; i < word->text.n; i++) {
        uint8_t c = word->text.p[i];
        if (c < '0' || c > '9') {
            return unexpected(word, err);
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
        return missing(command->kind, "key = value", err);
    }
    const struct word *sign = &words->items[at + 1];
    if (!is_mark(sign, '=') && !is_keyword(sign, slice_str("to"))) {
        return unexpected(sign, err);
    }
    if (at + 3 < words->count && !is_mark(&words->items[at + 3], ',')) {
        return unexpected(&words->items[at + 3], err);
    }
    int rc = read_name(&words->items[at], command, err);
    return rc < 0 ? rc : copy_word(&words->items[at + 2], command->value, COMMAND_VALUE_SIZE, err);
}

static int read_single(const struct words *words, size_t at, struct command *command,
                       struct err *err)
{
    enum command_argument argument = command->kind->argument;

    if (at == words->count) {
        return argument == ARGUMENT_OPTIONAL_NAME
                   ? 0
                   : missing(command->kind, argument == ARGUMENT_NUMBER ? "a number" : "a name",
                             err);
    }
    if (at + 1 < words->count) {
        return unexpected(&words->items[at + 1], err);
    }
    return argument == ARGUMENT_NUMBER ? read_number(&words->items[at], command, err)
                                       : read_name(&words->items[at], command, err);
}

/* ---- the arguments of SETUP ---- */

static bool keyword_at(const struct words *words, size_t at, const char *keyword)
{
    return at < words->count && is_keyword(&words->items[at], slice_str(keyword));
}

/* Words as they were written; a newline would end the name. */
static int append_table(const struct word *word, struct command *command, struct err *err)
{
    const char *quote = word->kind == WORD_QUOTED ? "\"" : "";
    size_t at = strlen(command->tables);
    size_t room = sizeof command->tables - at;

    if ((word->kind != WORD_QUOTED && word->kind != WORD_BARE) ||
        slice_find(word->text, '\n') >= 0) {
        return unexpected(word, err);
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

    for (; *at < words->count && !keyword_at(words, *at, "dry"); ++*at) {
        const struct word *word = &words->items[*at];
        if (is_mark(word, ',') && open) {
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
        return missing(command->kind, "a table behind ON and behind each comma", err);
    }
    strcat(command->tables, "\n");
    return 0;
}

static int read_setup(const struct words *words, size_t at, struct command *command,
                      struct err *err)
{
    int rc = 0;

    if (keyword_at(words, at, "for") && keyword_at(words, at + 1, "tenant")) {
        if (at + 2 == words->count) {
            return missing(command->kind, "a name behind FOR TENANT", err);
        }
        rc = read_name(&words->items[at + 2], command, err);
        at += 3;
    }
    if (rc == 0 && keyword_at(words, at, "on")) {
        at++;
        rc = read_tables(words, &at, command, err);
    }
    if (rc == 0 && keyword_at(words, at, "dry") && keyword_at(words, at + 1, "run")) {
        command->dry = true;
        at += 2;
    }
    return rc == 0 && at < words->count ? unexpected(&words->items[at], err) : rc;
}

/* … but not a second command. */
static int read_anything(const struct words *words, size_t at, struct err *err)
{
    for (size_t i = at; i < words->count; i++) {
        if (is_mark(&words->items[i], ';')) {
            return unexpected(&words->items[i], err);
        }
    }
    return 0;
}

static int read_argument(const struct words *words, size_t at, struct command *command,
                         struct err *err)
{
    switch (command->kind->argument) {
    case ARGUMENT_NONE:
        return at < words->count ? unexpected(&words->items[at], err) : 0;
    case ARGUMENT_NAME:
    case ARGUMENT_OPTIONAL_NAME:
    case ARGUMENT_NUMBER:
        return read_single(words, at, command, err);
    case ARGUMENT_ASSIGNMENT:
        return read_assignment(words, at, command, err);
    case ARGUMENT_SETUP:
        return read_setup(words, at, command, err);
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
    int rc = split(text, &words, err);
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

struct columns command_columns(const struct command *command)
{
    const struct command_kind *kind = command->kind;

    if (kind == NULL) {
        return (struct columns){.count = 0};
    }
    return kind->show != NULL ? kind->show->columns : kind->columns;
}
