// SPDX-License-Identifier: MIT
#include "auth/rulefile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

enum {
    DEPTH_MAX = 10,          /* files within files, as PostgreSQL */
    FILES_MAX = 256,         /* read in all */
    BYTES_MAX = 16 << 20,    /* of all files */
    TOKENS_MAX = 1 << 20,    /* of all files */
    TOKEN_BYTES_MAX = 10000, /* of one */
};

/* One file while it is read. */
struct reader {
    struct rulefile *out;
    const struct rule_source *source;
    struct rule_faults *faults;
    const char *file;
    struct slice text;
    size_t at;
    int line;
    int column;
    int depth; /* of files within files */
};

static void read_lines(struct rulefile *out, const char *path, const struct rule_source *source,
                       struct rule_faults *faults, const struct rule_token *asked, int depth,
                       bool may_miss);
static void read_tokens(struct reader *r, const char *path, const struct rule_token *asked,
                        struct rule_field *field);

/* ---- faults ---- */

static void report(struct rule_faults *faults, const char *file, int line, int column,
                   const char *fmt, va_list ap)
{
    char text[300];

    (void)vsnprintf(text, sizeof text, fmt, ap);
    if (faults->count < 100) { /* beyond that it is another kind of file */
        buf_printf(faults->report, "%s:%d:%d: %s\n", file, line, column, text);
    }
    faults->count++;
}

void rule_fault(struct rule_faults *faults, const struct rule_token *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report(faults, at->file, at->line, at->column, fmt, ap);
    va_end(ap);
}

void rule_line_fault(struct rule_faults *faults, const struct rule_line *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report(faults, at->file, at->line, at->column, fmt, ap);
    va_end(ap);
}

bool rule_token_is(const struct rule_token *token, const char *keyword)
{
    return !token->quoted && strcmp(token->text, keyword) == 0;
}

/* ---- characters ---- */

/* A backslash before the end of a line joins it to the next: both are nothing. */
static size_t continuation(const struct reader *r)
{
    struct slice rest = slice_from(r->text, r->at);

    if (rest.n >= 2 && rest.p[0] == '\\' && rest.p[1] == '\n') {
        return 2;
    }
    return rest.n >= 3 && rest.p[0] == '\\' && rest.p[1] == '\r' && rest.p[2] == '\n' ? 3 : 0;
}

/* The next character, or -1 at the end of the text. */
static int peek(struct reader *r)
{
    size_t skip;

    while ((skip = continuation(r)) > 0) {
        r->at += skip;
        r->line++;
        r->column = 1;
    }
    return r->at < r->text.n ? r->text.p[r->at] : -1;
}

static void step(struct reader *r)
{
    uint8_t c = r->text.p[r->at++];

    if (c == '\n') {
        r->line++;
        r->column = 1;
    } else if ((c & 0xC0) != 0x80) { /* the first byte of a character */
        r->column++;
    }
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_line(int c)
{
    return c == -1 || c == '\n';
}

/* ---- tokens ---- */

static void skip_to_token(struct reader *r)
{
    int c;

    while (is_blank(c = peek(r)) || c == ',') {
        step(r);
    }
    if (c == '#') {
        while (!ends_line(peek(r))) {
            step(r);
        }
    }
}

/* The characters of a token up to the blank, comma, comment or end behind it. */
static void take_characters(struct reader *r, struct rule_token *token, struct buf *text)
{
    bool in_quote = false;
    bool was_quote = false; /* the last character was a quote that closed one */
    int c;

    while (!ends_line(c = peek(r)) && (in_quote || (!is_blank(c) && c != ',' && c != '#'))) {
        if (c == '"') {
            if (!in_quote && was_quote) {
                buf_append_u8(text, '"');
            }
            token->quoted = token->quoted || (buf_size(text) == 0 && !in_quote && !was_quote);
            was_quote = in_quote;
            in_quote = !in_quote;
        } else {
            was_quote = false;
            buf_append_u8(text, (uint8_t)c);
        }
        step(r);
    }
    if (in_quote) {
        rule_fault(r->faults, token, "the quote is not closed");
    }
}

/* False at the end of the line. */
static bool next_token(struct reader *r, struct rule_token *token)
{
    struct buf text = {0};

    skip_to_token(r);
    if (ends_line(peek(r))) {
        return false;
    }
    *token = (struct rule_token){.file = r->file, .line = r->line, .column = r->column};
    take_characters(r, token, &text);
    struct slice s = buf_slice(&text);
    if (slice_find(s, 0) >= 0) {
        rule_fault(r->faults, token, "there is a NUL in the text");
    } else if (s.n > TOKEN_BYTES_MAX) {
        rule_fault(r->faults, token, "a word of more than %d bytes", TOKEN_BYTES_MAX);
    }
    token->text = x_strndup(slice_head(s, TOKEN_BYTES_MAX));
    buf_release(&text);
    return true;
}

static void add_token(struct rulefile *out, struct rule_field *field, struct rule_token *token)
{
    if ((field->count & (field->count - 1)) == 0) { /* at each power of two */
        size_t room = field->count == 0 ? 1 : 2 * field->count;
        field->tokens = x_realloc(field->tokens, room * sizeof *field->tokens);
    }
    field->tokens[field->count++] = *token;
    out->tokens++;
}

/* Reads one field. Its tokens are those that commas join without a blank before them. */
static bool next_field(struct reader *r, struct rule_field *field)
{
    struct rule_token token;

    *field = (struct rule_field){0};
    if (!next_token(r, &token)) {
        return false;
    }
    for (;;) {
        bool more = peek(r) == ',';
        if (!token.quoted && token.text[0] == '@' && token.text[1] != '\0') {
            read_tokens(r, token.text + 1, &token, field);
            free(token.text);
        } else {
            add_token(r->out, field, &token);
        }
        if (!more || !next_token(r, &token)) {
            return true;
        }
    }
}

/* ---- files ---- */

static void free_field(struct rule_field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        free(field->tokens[i].text);
    }
    free(field->tokens);
}

static void free_line(struct rule_line *line)
{
    for (size_t i = 0; i < line->count; i++) {
        free_field(&line->fields[i]);
    }
    free(line->fields);
}

static const char *keep_name(struct rulefile *out, const char *path)
{
    if ((out->name_count & (out->name_count - 1)) == 0) {
        size_t room = out->name_count == 0 ? 1 : 2 * out->name_count;
        out->names = x_realloc(out->names, room * sizeof *out->names);
    }
    out->names[out->name_count] = x_strdup(path);
    return out->names[out->name_count++];
}

/* `name` as seen from the folder of `from`; to be freed. */
static char *path_beside(const char *from, const char *name)
{
    const char *slash = strrchr(from, '/');

    if (name[0] == '/' || slash == NULL) {
        return x_strdup(name);
    }
    return x_printf("%.*s/%s", (int)(slash - from), from, name);
}

/* Gets a file's text for a reader. `asked` is the token that names it; NULL for the first. */
static bool open_file(struct reader *r, const char *path, const struct rule_token *asked,
                      bool may_miss, struct buf *text)
{
    struct rule_token first = {.file = path, .line = 1, .column = 1};
    struct err err = {0};
    const struct rule_token *at = asked == NULL ? &first : asked;

    if (r->depth > DEPTH_MAX) {
        rule_fault(r->faults, at, "files are nested more than %d deep", DEPTH_MAX);
        return false;
    }
    if (r->out->name_count > FILES_MAX) {
        rule_fault(r->faults, at, "more than %d files of rules", FILES_MAX);
        return false;
    }
    r->file = keep_name(r->out, path);
    int rc = r->source->read(r->source->data, path, text, &err);
    if (rc == RULE_MISSING && may_miss) {
        return false;
    }
    if (rc < 0) {
        rule_fault(r->faults, at, "%s: %s", path,
                   rc == RULE_MISSING ? "there is no such file" : err.text);
        return false;
    }
    r->out->bytes += buf_size(text);
    if (r->out->bytes > BYTES_MAX || r->out->tokens > TOKENS_MAX) {
        rule_fault(r->faults, at, "more than %d bytes of rules", BYTES_MAX);
        return false;
    }
    r->text = buf_slice(text);
    r->line = r->column = 1;
    return true;
}

/* What @path stands for: the tokens of all lines of that file. */
static void read_tokens(struct reader *r, const char *path, const struct rule_token *asked,
                        struct rule_field *field)
{
    struct reader inner = {
        .out = r->out, .source = r->source, .faults = r->faults, .depth = r->depth + 1};
    struct buf text = {0};
    char *whole = path_beside(r->file, path);

    if (open_file(&inner, whole, asked, false, &text)) {
        while (peek(&inner) != -1) {
            struct rule_field part;
            while (next_field(&inner, &part)) {
                for (size_t i = 0; i < part.count; i++) {
                    add_token(r->out, field, &part.tokens[i]);
                }
                free(part.tokens);
            }
            if (peek(&inner) == '\n') {
                step(&inner);
            }
        }
    }
    free(whole);
    buf_release(&text);
}

struct folder_reader {
    struct reader *reader;
    const struct rule_token *asked;
};

static void read_listed(void *arg, const char *path)
{
    struct folder_reader *f = arg;
    struct reader *r = f->reader;

    read_lines(r->out, path, r->source, r->faults, f->asked, r->depth + 1, false);
}

static void include_folder(struct reader *r, const char *path, const struct rule_token *asked)
{
    struct folder_reader f = {.reader = r, .asked = asked};
    struct err err = {0};

    if (r->source->list(r->source->data, path, read_listed, &f, &err) < 0) {
        rule_fault(r->faults, asked, "%s: %s", path, err.text);
    }
}

/* Does the line take in others? Then it is used up. */
static bool include_line(struct reader *r, struct rule_line *line)
{
    const struct rule_field *first = &line->fields[0];
    const struct rule_token *word = first->count == 1 ? &first->tokens[0] : NULL;
    bool folder = word != NULL && rule_token_is(word, "include_dir");
    bool may_miss = word != NULL && rule_token_is(word, "include_if_exists");

    if (word == NULL || (!folder && !may_miss && !rule_token_is(word, "include"))) {
        return false;
    }
    if (line->count != 2 || line->fields[1].count != 1) {
        rule_fault(r->faults, word, "%s takes one name", word->text);
        return true;
    }
    char *path = path_beside(r->file, line->fields[1].tokens[0].text);
    if (folder) {
        include_folder(r, path, &line->fields[1].tokens[0]);
    } else {
        read_lines(r->out, path, r->source, r->faults, &line->fields[1].tokens[0], r->depth + 1,
                   may_miss);
    }
    free(path);
    return true;
}

static void add_line(struct rulefile *out, const struct rule_line *line)
{
    if ((out->count & (out->count - 1)) == 0) {
        size_t room = out->count == 0 ? 1 : 2 * out->count;
        out->lines = x_realloc(out->lines, room * sizeof *out->lines);
    }
    out->lines[out->count++] = *line;
}

static void read_line(struct reader *r)
{
    struct rule_line line = {.file = r->file};
    struct rule_field field;

    skip_to_token(r);
    line.line = r->line;
    line.column = r->column;
    while (next_field(r, &field)) {
        line.fields = x_realloc(line.fields, (line.count + 1) * sizeof *line.fields);
        line.fields[line.count++] = field;
    }
    if (line.count > 0 && !include_line(r, &line)) {
        add_line(r->out, &line);
    } else {
        free_line(&line);
    }
}

static void read_lines(struct rulefile *out, const char *path, const struct rule_source *source,
                       struct rule_faults *faults, const struct rule_token *asked, int depth,
                       bool may_miss)
{
    struct reader r = {.out = out, .source = source, .faults = faults, .depth = depth};
    struct buf text = {0};

    if (open_file(&r, path, asked, may_miss, &text)) {
        while (peek(&r) != -1) {
            read_line(&r);
            if (peek(&r) == '\n') {
                step(&r);
            }
        }
    }
    buf_release(&text);
}

void rulefile_read(struct rulefile *out, const char *path, const struct rule_source *source,
                   struct rule_faults *faults)
{
    *out = (struct rulefile){0};
    read_lines(out, path, source, faults, NULL, 0, false);
}

void rulefile_fini(struct rulefile *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free_line(&file->lines[i]);
    }
    for (size_t i = 0; i < file->name_count; i++) {
        free(file->names[i]);
    }
    free(file->lines);
    free(file->names);
    *file = (struct rulefile){0};
}
