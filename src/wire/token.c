// SPDX-License-Identifier: MIT
#include "wire/token.h"

static uint8_t byte_at(struct slice s, size_t i)
{
    return i < s.n ? s.p[i] : 0;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes above 127 belong to identifiers, whatever the encoding, as in the server's scanner. */
static bool is_word_start(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word_byte(uint8_t c)
{
    return is_word_start(c) || (c >= '0' && c <= '9') || c == '$';
}

/* Bytes of the comment to the end of its line that s begins with. */
static size_t line_comment(struct slice s)
{
    size_t i = 2;

    while (i < s.n && s.p[i] != '\n' && s.p[i] != '\r') {
        i++;
    }
    return i;
}

/* Bytes of the comment that s begins with, to the end of s where it is not closed. */
static size_t block_comment(struct slice s)
{
    size_t depth = 1;
    size_t i = 2;

    while (i < s.n && depth > 0) {
        uint8_t c = s.p[i];
        uint8_t next = byte_at(s, i + 1);
        if (c == '/' && next == '*') {
            depth++;
            i += 2;
        } else if (c == '*' && next == '/') {
            depth--;
            i += 2;
        } else {
            i++;
        }
    }
    return i;
}

/* Bytes at the front of s that mean nothing: one byte or one comment; 0 when a token stands there.
 */
static size_t blank(struct slice s)
{
    uint8_t c = byte_at(s, 0);
    uint8_t next = byte_at(s, 1);

    if (is_space(c) || c == ';') {
        return 1;
    }
    if (c == '-' && next == '-') {
        return line_comment(s);
    }
    if (c == '/' && next == '*') {
        return block_comment(s);
    }
    return 0;
}

static void skip_blanks(struct slice *sql)
{
    for (size_t n = blank(*sql); n > 0; n = blank(*sql)) {
        *sql = slice_from(*sql, n);
    }
}

/* Bytes of the quoted text that s begins with, to the end of s where it is not closed. Two quotes
 * within are one. */
static size_t quoted(struct slice s)
{
    uint8_t quote = s.p[0];
    size_t i = 1;

    while (i < s.n) {
        if (s.p[i] != quote) {
            i++;
        } else if (byte_at(s, i + 1) == quote) {
            i += 2;
        } else {
            return i + 1;
        }
    }
    return i;
}

/* Bytes of the word or the one other byte that s begins with; 0 at the end. */
static size_t word(struct slice s)
{
    size_t i = 1;

    if (byte_at(s, 0) == 0) {
        return 0;
    }
    if (is_word_start(s.p[0])) {
        while (is_word_byte(byte_at(s, i))) {
            i++;
        }
    }
    return i;
}

static struct slice take(struct slice *sql, size_t n)
{
    struct slice token = slice_head(*sql, n);

    *sql = n == 0 ? SLICE_EMPTY : slice_from(*sql, n);
    return token;
}

struct slice token_next(struct slice *sql)
{
    skip_blanks(sql);
    return take(sql, word(*sql));
}

struct slice token_next_name(struct slice *sql)
{
    skip_blanks(sql);
    uint8_t c = byte_at(*sql, 0);
    return take(sql, c == '"' || c == '\'' ? quoted(*sql) : word(*sql));
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool token_is(struct slice token, const char *keyword)
{
    if (token.n != strlen(keyword)) {
        return false;
    }
    for (size_t i = 0; i < token.n; i++) {
        if (lower(token.p[i]) != (uint8_t)keyword[i]) {
            return false;
        }
    }
    return true;
}
