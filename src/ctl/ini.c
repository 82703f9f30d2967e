// SPDX-License-Identifier: MIT
#include "ctl/ini.h"

#include <ctype.h>

#include "base/alloc.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_space(uint8_t c)
{
    return is_blank(c) || c == '\n';
}

static struct slice skip_blanks(struct slice s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s = slice_from(s, 1);
    }
    return s;
}

static struct slice skip_spaces(struct slice s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s = slice_from(s, 1);
    }
    return s;
}

static struct slice trim_end(struct slice s)
{
    while (s.n > 0 && is_space(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

static int refuse(struct err *err, const char *text)
{
    return err_set(err, ERR_CONFIG, "%s", text);
}

/* The next line without the space at its ends; false at the end of the text. */
static bool take_line(struct ini_reader *reader, struct slice *line)
{
    if (reader->rest.n == 0) {
        return false;
    }
    ptrdiff_t end = slice_find(reader->rest, '\n');
    size_t n = end < 0 ? reader->rest.n : (size_t)end;
    *line = trim_end(skip_blanks(slice_head(reader->rest, n)));
    reader->rest = slice_from(reader->rest, n + 1);
    reader->line++;
    return true;
}

/* Takes a quoted text off *rest, which begins with its quote; false where it is not ended. */
static bool take_quoted(struct slice *rest, struct ini_text *text)
{
    uint8_t quote = rest->p[0];
    struct slice body = slice_from(*rest, 1);
    size_t n = 0;

    while (n < body.n && (body.p[n] != quote || (n + 1 < body.n && body.p[n + 1] == quote))) {
        n += body.p[n] == quote ? 2 : 1;
    }
    if (n >= body.n) {
        return false;
    }
    *text = (struct ini_text){.raw = slice_head(body, n), .quote = (char)quote};
    *rest = slice_from(body, n + 1);
    return true;
}

/* ---- lines ---- */

static bool is_key_byte(uint8_t c)
{
    return isalnum(c) != 0 || c == '_' || c == '.' || c == '-' || c == '*';
}

static bool take_key(struct slice *rest, struct ini_text *name)
{
    size_t n = 0;

    if (rest->n > 0 && rest->p[0] == '"') {
        return take_quoted(rest, name) && name->raw.n > 0;
    }
    while (n < rest->n && is_key_byte(rest->p[n])) {
        n++;
    }
    *name = (struct ini_text){.raw = slice_head(*rest, n)};
    *rest = slice_from(*rest, n);
    return n > 0;
}

static int read_section(struct slice text, struct ini_line *line, struct err *err)
{
    ptrdiff_t end = slice_find(text, ']');

    if (end < 0 || (size_t)end != text.n - 1) {
        return refuse(err, "a section is written [name], alone in its line");
    }
    line->kind = INI_SECTION;
    line->name.raw = slice_head(slice_from(text, 1), (size_t)end - 1);
    return 1;
}

static int read_include(struct slice text, struct ini_line *line, struct err *err)
{
    line->kind = INI_INCLUDE;
    line->value.raw = skip_blanks(text);
    return line->value.raw.n > 0 ? 1 : refuse(err, "%include needs the name of a file");
}

static int read_pair(struct slice text, struct ini_line *line, struct err *err)
{
    if (!take_key(&text, &line->name)) {
        return refuse(err, "expected a key, as in: key = value");
    }
    text = skip_blanks(text);
    if (text.n == 0 || text.p[0] != '=') {
        return refuse(err, "expected = behind the key");
    }
    line->kind = INI_PAIR;
    line->value.raw = skip_blanks(slice_from(text, 1));
    return 1;
}

int ini_next(struct ini_reader *reader, struct ini_line *line, struct err *err)
{
    static const char include[] = "%include";
    struct slice text;

    *line = (struct ini_line){.kind = INI_PAIR};
    do {
        if (!take_line(reader, &text)) {
            return 0;
        }
    } while (text.n == 0 || text.p[0] == ';' || text.p[0] == '#');
    if (slice_find(text, '\0') >= 0) {
        return refuse(err, "a NUL byte in the line");
    }
    if (text.p[0] == '[') {
        return read_section(text, line, err);
    }
    if (slice_eq_str(slice_head(text, sizeof include - 1), include)) {
        return read_include(slice_from(text, sizeof include - 1), line, err);
    }
    return read_pair(text, line, err);
}

/* ---- connection strings ---- */

static int give_up(struct slice *rest, struct err *err, const char *text)
{
    *rest = SLICE_EMPTY;
    return refuse(err, text);
}

static bool take_value(struct slice *rest, struct ini_text *value)
{
    size_t n = 0;

    if (rest->n > 0 && rest->p[0] == '\'') {
        return take_quoted(rest, value);
    }
    while (n < rest->n && !is_space(rest->p[n])) {
        n++;
    }
    *value = (struct ini_text){.raw = slice_head(*rest, n)};
    *rest = slice_from(*rest, n);
    return true;
}

int ini_next_pair(struct slice *rest, struct ini_text *name, struct ini_text *value,
                  struct err *err)
{
    struct slice text = skip_spaces(*rest);

    if (text.n == 0) {
        return 0;
    }
    if (!take_key(&text, name)) {
        return give_up(rest, err, "expected key=value in the connection string");
    }
    text = skip_spaces(text);
    if (text.n == 0 || text.p[0] != '=') {
        return give_up(rest, err, "expected = behind a key of the connection string");
    }
    text = skip_spaces(slice_from(text, 1));
    if (!take_value(&text, value)) {
        return give_up(rest, err, "a quoted value of the connection string is not ended");
    }
    *rest = text;
    return 1;
}

/* ---- users ---- */

int ini_next_user(struct ini_reader *reader, struct ini_text *name, struct ini_text *password,
                  struct err *err)
{
    struct slice text;

    do {
        if (!take_line(reader, &text)) {
            return 0;
        }
    } while (text.n == 0 || text.p[0] == ';' || text.p[0] == '#');
    if (slice_find(text, '\0') >= 0) {
        return refuse(err, "a NUL byte in the line");
    }
    if (text.p[0] != '"' || !take_quoted(&text, name)) {
        return refuse(err, "expected \"user\" \"password\"");
    }
    text = skip_blanks(text);
    if (text.n == 0 || text.p[0] != '"' || !take_quoted(&text, password)) {
        return refuse(err, "expected the password in quotes behind the user");
    }
    return 1;
}

/* ---- the rest ---- */

bool ini_next_word(struct slice *rest, struct slice *word)
{
    do {
        if (rest->n == 0) {
            return false;
        }
        ptrdiff_t end = slice_find(*rest, ',');
        size_t n = end < 0 ? rest->n : (size_t)end;
        *word = trim_end(skip_spaces(slice_head(*rest, n)));
        *rest = slice_from(*rest, n + 1);
    } while (word->n == 0);
    return true;
}

char *ini_copy(struct ini_text text)
{
    char *copy = x_alloc(text.raw.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.raw.n; i++) {
        copy[n++] = (char)text.raw.p[i];
        if (text.quote != '\0' && text.raw.p[i] == (uint8_t)text.quote) {
            i++; /* it is doubled */
        }
    }
    copy[n] = '\0';
    return copy;
}
