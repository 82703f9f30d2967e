// SPDX-License-Identifier: MIT
#include "admin/words.h"

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

bool word_is_mark(const struct word *word, char mark)
{
    return word->kind == WORD_MARK && word->text.p[0] == (uint8_t)mark;
}

int words_split(struct slice text, struct words *words, struct err *err)
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
    while (words->count > 0 && word_is_mark(&words->items[words->count - 1], ';')) {
        words->count--;
    }
    return 0;
}

bool word_is(const struct word *word, struct slice keyword)
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

bool words_have(const struct words *words, size_t at, const char *keyword)
{
    return at < words->count && word_is(&words->items[at], slice_str(keyword));
}

int word_copy(const struct word *word, char *out, size_t size, struct err *err)
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

int words_unexpected(const struct word *word, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "syntax error at \"%.*s\", use SHOW HELP;",
                   (int)slice_head(word->text, 40).n, (const char *)word->text.p);
}

int words_missing(const char *command, const char *what, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "syntax error: \"%s\" needs %s", command, what);
}
