// SPDX-License-Identifier: MIT
#include "wire/error.h"

#include "wire/build.h"
#include "wire/cursor.h"

static void keep_field(struct error_fields *fields, uint8_t type, struct slice value,
                       struct slice *localized)
{
    switch (type) {
    case 'S':
        *localized = value;
        break;
    case 'V':
        fields->severity = value;
        break;
    case 'C':
        fields->sqlstate = value;
        break;
    case 'M':
        fields->message = value;
        break;
    case 'D':
        fields->detail = value;
        break;
    case 'H':
        fields->hint = value;
        break;
    default: /* "frontends should silently ignore fields of unrecognized type" */
        break;
    }
}

int error_parse(struct slice body, struct error_fields *fields)
{
    struct cursor c = cursor_of(body);
    struct slice localized = SLICE_EMPTY;

    *fields = (struct error_fields){0};
    for (uint8_t type = cursor_u8(&c); type != 0; type = cursor_u8(&c)) {
        keep_field(fields, type, cursor_cstr(&c), &localized);
    }
    if (c.bad || c.left.n > 0) {
        *fields = (struct error_fields){0};
        return ERR_PROTOCOL;
    }
    if (fields->severity.n == 0) {
        fields->severity = localized;
    }
    return 0;
}

static bool is_sqlstate(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'A' && s.p[i] <= 'Z'))) {
            return false;
        }
    }
    return s.n == 5;
}

/* Copies what fits, as one terminated line: control characters become spaces, no UTF-8 character is
 * cut in two, and what is cut ends in dots. */
static void copy_line(char *out, size_t size, struct slice in)
{
    static const char dots[] = "...";
    bool cut = in.n >= size;
    size_t n = cut ? size - sizeof dots : in.n;

    for (int back = 0; back < 3 && n > 0 && n < in.n && (in.p[n] & 0xc0) == 0x80; back++) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = in.p[i] < 0x20 || in.p[i] == 0x7f ? ' ' : (char)in.p[i];
    }
    memcpy(out + n, dots, cut ? sizeof dots : 0);
    out[cut ? n + sizeof dots - 1 : n] = '\0';
}

void error_to_err(const struct error_fields *fields, struct err *err)
{
    (void)err_set(err, ERR_SERVER, "%s", err_code_text(ERR_SERVER));
    struct slice state = is_sqlstate(fields->sqlstate) ? fields->sqlstate : slice_str("XX000");
    copy_line(err->sqlstate, sizeof err->sqlstate, state);
    if (fields->message.n > 0) {
        copy_line(err->text, sizeof err->text, fields->message);
    }
    copy_line(err->detail, sizeof err->detail, fields->detail);
    copy_line(err->hint, sizeof err->hint, fields->hint);
}

static void append_field(struct buf *out, uint8_t type, const char *value)
{
    buf_append_u8(out, type);
    buf_append_cstr(out, value);
}

void error_build(struct buf *out, uint8_t type, const char *severity, const struct err *err)
{
    const char *state = err_sqlstate(err);
    size_t start = build_begin(out, type);

    append_field(out, 'S', severity);
    append_field(out, 'V', severity);
    append_field(out, 'C', state[0] != '\0' ? state : "XX000");
    append_field(out, 'M', err->text[0] != '\0' ? err->text : err_code_text(err->code));
    if (err->detail[0] != '\0') {
        append_field(out, 'D', err->detail);
    }
    if (err->hint[0] != '\0') {
        append_field(out, 'H', err->hint);
    }
    buf_append_u8(out, 0);
    build_end(out, start);
}
