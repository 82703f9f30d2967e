// SPDX-License-Identifier: MIT
#include "ctl/import_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "config/units.h"
#include "ctl/ini.h"

/* The longest time of a configuration, in seconds: 24 days. */
#define SECONDS_MAX (24.0 * 86400)

/* ---- texts ---- */

/* Bytes of the character at p, with its number in *code; 0 where it is not UTF-8. */
static size_t decode_utf8(const unsigned char *p, uint32_t *code)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (n == 0 || p[0] > 0xf4) {
        return 0;
    }
    *code = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (p[i] & 0x3fU);
    }
    bool overlong = (n == 3 && *code < 0x800) || (n == 4 && *code < 0x10000);
    bool surrogate = *code >= 0xd800 && *code < 0xe000;
    return overlong || surrogate || *code > 0x10ffff ? 0 : n;
}

/* May it stand in a YAML file as it is? */
static bool is_printable(uint32_t code)
{
    return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code != 0xfeff && code != 0xfffe &&
                                             code != 0xffff && code != 0x2028 && code != 0x2029);
}

/* Words that mean something else without quotes, here or to other readers of YAML. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n",   NULL};

    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return false;
        }
    }
    if (!isalpha((unsigned char)text[0])) {
        return false;
    }
    return text[strspn(
               text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")] == '\0';
}

bool import_quote(struct buf *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    uint32_t code;

    if (is_plain(text)) {
        buf_append(out, text, strlen(text));
        return true;
    }
    buf_append_u8(out, '"');
    while (*p != '\0') {
        size_t n = decode_utf8(p, &code);
        if (n == 0) {
            return false;
        }
        if (code == '"' || code == '\\') {
            buf_printf(out, "\\%c", (int)code);
        } else if (is_printable(code)) {
            buf_append(out, p, n);
        } else {
            buf_printf(out, "\\u%04" PRIx32, code);
        }
        p += n;
    }
    buf_append_u8(out, '"');
    return true;
}

/* The bytes of a buf as a C string; the buf is ended. */
static char *finish(struct buf *out)
{
    char *text = x_strndup(buf_slice(out));

    buf_release_secret(out);
    return text;
}

char *import_quoted(const char *text)
{
    struct buf out = {0};

    (void)import_quote(&out, text); /* UTF-8, as it was checked when read */
    return finish(&out);
}

/* A name or path of ours; sockets without a file have none here. An empty one is PgBouncer's for
 * "not set". */
static char *convert_text(struct import *im, const struct import_key *row, const char *raw,
                          struct import_origin at)
{
    const struct key *key = schema_find(row->scope, row->path);

    if (raw[0] == '\0' && key->some) {
        return NULL;
    }
    if (key->type == KEY_PATH && raw[0] == '@') {
        import_note(im, at, "%s: this version has no abstract sockets: none is opened; set %s",
                    row->name, row->path);
        return x_strdup("\"\"");
    }
    return import_quoted(raw);
}

static char *convert_words(struct import *im, const struct import_key *row, const char *raw,
                           struct import_origin at)
{
    struct slice rest = slice_str(raw);
    struct slice word;
    struct buf out = {0};
    int count = 0;

    while (ini_next_word(&rest, &word)) {
        char *copy = x_strndup(word);
        buf_append(&out, ", ", count == 0 ? 0 : 2);
        (void)import_quote(&out, copy);
        free(copy);
        count++;
    }
    if (count == 0 && schema_find(row->scope, row->path)->some) {
        import_fault(im, at, "%s must not be empty", row->name);
    }
    char *list = finish(&out);
    char *text = count == 1 ? x_strdup(list) : x_printf("[%s]", list);
    free(list);
    return text;
}

static char *convert_choice(struct import *im, const struct import_key *row, const char *raw,
                            struct import_origin at)
{
    const struct key *key = schema_find(row->scope, row->path);

    for (int i = 0; key->choices[i] != NULL && !row->translated; i++) {
        if (strcmp(key->choices[i], raw) == 0) {
            return x_strdup(raw);
        }
    }
    import_fault(im, at, "%s cannot be \"%.100s\"", row->name, raw);
    return NULL;
}

/* ---- numbers ---- */

static char *nearest(struct import *im, const struct import_key *row, const char *raw,
                     struct import_origin at, const char *text)
{
    import_note(im, at, "%s: %s is out of bounds here: the nearest, %s, was written", row->name,
                raw, text);
    return x_strdup(text);
}

static bool parse_count(const char *raw, int64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoll(raw, &end, 10);
    return isdigit((unsigned char)raw[0]) && *end == '\0' && errno == 0;
}

/* What stands for 0, where it means something else here. */
static char *convert_zero(struct import *im, const struct import_key *row, struct import_origin at)
{
    if (row->zero[0] == '\0') {
        return NULL;
    }
    import_note(im, at, "%s: 0 means something else here: %s was written, the nearest", row->name,
                row->zero);
    return x_strdup(row->zero);
}

static char *convert_number(struct import *im, const struct import_key *row, const char *raw,
                            struct import_origin at)
{
    const struct key *key = schema_find(row->scope, row->path);
    int64_t most = key->max > 0 ? key->max : INT_MAX;
    int64_t value;

    if (!parse_count(raw, &value)) {
        import_fault(im, at, "%s must be a whole number, not \"%.100s\"", row->name, raw);
        return NULL;
    }
    if (value == 0 && row->zero != NULL) {
        return convert_zero(im, row, at);
    }
    int64_t bounded = value < key->min ? key->min : value > most ? most : value;
    char *text = x_printf("%" PRId64, bounded);
    if (bounded == value) {
        return text;
    }
    char *written = nearest(im, row, raw, at, text);
    free(text);
    return written;
}

static bool parse_seconds(const char *raw, double *value)
{
    char *end;

    if (raw[0] == '\0' || raw[strspn(raw, "0123456789.")] != '\0') {
        return false;
    }
    *value = strtod(raw, &end);
    return *end == '\0' && end != raw;
}

static char *convert_seconds(struct import *im, const struct import_key *row, const char *raw,
                             struct import_origin at)
{
    struct buf out = {0};
    double seconds;

    if (!parse_seconds(raw, &seconds)) {
        import_fault(im, at, "%s must be a number of seconds, not \"%.100s\"", row->name, raw);
        return NULL;
    }
    if (seconds <= 0 && row->zero != NULL) {
        return convert_zero(im, row, at);
    }
    if (seconds > SECONDS_MAX) {
        return nearest(im, row, raw, at, "24d");
    }
    int64_t ms = (int64_t)(seconds * 1000 + 0.5);
    units_print_time(&out, seconds > 0 && ms == 0 ? 1 : ms);
    return finish(&out);
}

/* ---- any value ---- */

char *import_convert(struct import *im, const struct import_key *row, const char *raw,
                     struct import_origin at)
{
    const struct import_word *word = import_word_find(row->path, raw);

    if (word != NULL) {
        if (word->advice != NULL) {
            import_note(im, at, "%s = %s: %s", row->name, raw, word->advice);
        }
        return word->instead[0] == '\0' ? NULL : x_strdup(word->instead);
    }
    switch (schema_find(row->scope, row->path)->type) {
    case KEY_INT:
    case KEY_SIZE:
        return convert_number(im, row, raw, at);
    case KEY_TIME:
        return convert_seconds(im, row, raw, at);
    case KEY_CHOICE:
        return convert_choice(im, row, raw, at);
    case KEY_STRINGS:
        return convert_words(im, row, raw, at);
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_PATH:
        return convert_text(im, row, raw, at);
    case KEY_SECTION: /* no row of the table leads to one of these */
    case KEY_NAMED:
    case KEY_BOOL:
    case KEY_SECRET:
    case KEY_SETTINGS:
    case KEY_LOGIN:
    case KEY_RULES:
    case KEY_PAIRS:
        break;
    }
    import_fault(im, at, "%s has no counterpart of its kind", row->name);
    return NULL;
}
