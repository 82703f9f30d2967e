// SPDX-License-Identifier: MIT
#include "wire/startup.h"

#include <string.h>

#include "base/limits.h"
#include "wire/cursor.h"
#include "wire/types.h"

enum {
    HEADER = 8,        /* bytes of the length and the code */
    CANCEL_FIXED = 12, /* bytes of a CancelRequest before its key */
    CANCEL_KEY_MIN = 4,
    CANCEL_KEY_MAX = 256, /* since protocol 3.2; 4 before */
    MAJOR = 3
};

static enum startup_kind kind_of(uint32_t code)
{
    switch (code) {
    case WIRE_SSL_REQUEST:
        return STARTUP_SSL;
    case WIRE_GSSENC_REQUEST:
        return STARTUP_GSSENC;
    case WIRE_CANCEL_REQUEST:
        return STARTUP_CANCEL;
    default:
        return STARTUP_SESSION;
    }
}

static int check_version(uint32_t version, struct err *err)
{
    unsigned major = version >> 16;

    if (major == MAJOR) {
        return 0;
    }
    if (major == 2) {
        return err_set(err, ERR_UNSUPPORTED, "old V2 protocol not supported");
    }
    return err_set(err, ERR_UNSUPPORTED,
                   "unsupported frontend protocol %u.%u: server supports 3.0 to 3.2", major,
                   version & 0xffff);
}

/* What the first 8 bytes alone can be refused for. */
static int check_header(enum startup_kind kind, uint32_t size, uint32_t code, struct err *err)
{
    switch (kind) {
    case STARTUP_SSL:
    case STARTUP_GSSENC:
        return size == HEADER
                   ? 0
                   : err_set(err, ERR_PROTOCOL, "invalid length of encryption request packet");
    case STARTUP_CANCEL:
        return size >= CANCEL_FIXED + CANCEL_KEY_MIN && size <= CANCEL_FIXED + CANCEL_KEY_MAX
                   ? 0
                   : err_set(err, ERR_PROTOCOL, "invalid length of cancel request packet");
    case STARTUP_SESSION:
        return check_version(code, err);
    }
    return err_set(err, ERR_INTERNAL, "startup packet of no kind");
}

int startup_parse(struct slice in, struct startup *out, struct err *err)
{
    struct cursor c = cursor_of(in);
    uint32_t size = cursor_be32(&c);

    if (c.bad) {
        return 0;
    }
    if (size < HEADER || size > LIMIT_STARTUP_PACKET) {
        return err_set(err, ERR_PROTOCOL, "invalid length of startup packet");
    }
    uint32_t code = cursor_be32(&c);
    if (c.bad) {
        return 0;
    }
    enum startup_kind kind = kind_of(code);
    int rc = check_header(kind, size, code, err);
    if (rc < 0) {
        return rc;
    }
    struct slice body = cursor_bytes(&c, size - HEADER);
    if (c.bad) {
        return 0;
    }
    *out = (struct startup){
        .kind = kind, .size = size, .version = kind == STARTUP_SESSION ? code : 0, .body = body};
    return 1;
}

int startup_next(struct slice *rest, struct slice *name, struct slice *value, struct err *err)
{
    struct cursor c = cursor_of(*rest);
    struct slice first = cursor_cstr(&c);
    bool last = first.n == 0;
    struct slice second = last ? SLICE_EMPTY : cursor_cstr(&c);

    if (c.bad || (last && c.left.n > 0)) {
        return err_set(err, ERR_PROTOCOL,
                       "invalid startup packet layout: expected terminator as last byte");
    }
    *rest = c.left;
    if (last) {
        return 0;
    }
    *name = first;
    *value = second;
    return 1;
}

/* White space as the server's isspace() in any locale that a database can have. */
static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Takes the next word off *left and writes it, terminated and with its backslashes resolved, at
 * *memory, which then points behind it. NULL at the end. A word is followed by white space or is
 * the last, so that n bytes of options never need more than n + 1 bytes of memory. */
static char *next_word(struct slice *left, char **memory)
{
    size_t i = 0;
    bool escaped = false;
    char *word = *memory;
    char *at = word;

    while (i < left->n && is_space(left->p[i])) {
        i++;
    }
    if (i == left->n) {
        return NULL;
    }
    for (; i < left->n && (escaped || !is_space(left->p[i])); i++) {
        escaped = !escaped && left->p[i] == '\\';
        if (!escaped) {
            *at++ = (char)left->p[i];
        }
    }
    *at++ = '\0';
    *left = slice_from(*left, i);
    *memory = at;
    return word;
}

/* Reads "name=value", which stood behind `flag`, as the server's ParseLongOption does. */
static int read_setting(const char *flag, char *setting, struct startup_option *out,
                        struct err *err)
{
    size_t n = strcspn(setting, "=");

    if (setting[n] == '\0') {
        return err_set(err, ERR_SYNTAX, "%s%s requires a value", flag, setting);
    }
    if (n == 0) {
        return err_set(err, ERR_SYNTAX, "%s%s requires a name", flag, setting);
    }
    if (n >= sizeof out->name) {
        return err_set(err, ERR_INVALID_VALUE,
                       "name of a setting in options is longer than %zu bytes",
                       sizeof out->name - 1);
    }
    for (size_t i = 0; i < n; i++) {
        out->name[i] = setting[i] == '-' ? '_' : setting[i];
    }
    out->name[n] = '\0';
    out->value = setting + n + 1;
    return 0;
}

/* Reads one switch: `word`, and for a bare -c the word behind it. */
static int read_switch(char *word, struct slice *left, char **memory, struct startup_option *out,
                       struct err *err)
{
    if (strcmp(word, "-c") == 0) {
        char *setting = next_word(left, memory);
        if (setting == NULL) {
            return err_set(err, ERR_SYNTAX, "-c requires a value");
        }
        return read_setting("-c ", setting, out, err);
    }
    if (strncmp(word, "-c", 2) == 0) {
        return read_setting("-c ", word + 2, out, err);
    }
    if (strncmp(word, "--", 2) == 0 && word[2] != '\0') {
        return read_setting("--", word + 2, out, err);
    }
    return err_set(err, ERR_UNSUPPORTED,
                   "unsupported options startup parameter: only '-c config=val' and "
                   "'--config=val' are allowed");
}

int startup_options(struct slice options, char *memory, struct startup_option *out, int cap,
                    struct err *err)
{
    ptrdiff_t end = slice_find(options, 0);
    struct slice left = end < 0 ? options : slice_head(options, (size_t)end);
    int count = 0;

    for (char *word = next_word(&left, &memory); word != NULL; word = next_word(&left, &memory)) {
        if (count == cap) {
            return err_set(err, ERR_INVALID_VALUE, "more than %d settings in options", cap);
        }
        int rc = read_switch(word, &left, &memory, &out[count], err);
        if (rc < 0) {
            return rc;
        }
        count++;
    }
    return count;
}
