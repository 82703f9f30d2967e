// SPDX-License-Identifier: MIT
#include "wire/build.h"

#include <assert.h>
#include <string.h>

enum { TYPE_OID_TEXT = 25, COUNT_MAX = 65535 };

/* The length counts from its own first byte, which is `at`, to the end of the message. */
static void patch_length(struct buf *out, size_t at)
{
    uint8_t *p = out->p + out->off + at;
    size_t n = buf_size(out) - at;

    p[0] = (uint8_t)(n >> 24);
    p[1] = (uint8_t)(n >> 16);
    p[2] = (uint8_t)(n >> 8);
    p[3] = (uint8_t)n;
}

/* A string field cannot hold a NUL: what follows one would be read as the next field. */
static void append_string(struct buf *out, struct slice s)
{
    ptrdiff_t end = slice_find(s, 0);

    buf_append_slice(out, end < 0 ? s : slice_head(s, (size_t)end));
    buf_append_u8(out, 0);
}

static void append_value(struct buf *out, struct slice value)
{
    if (value.p == NULL) {
        buf_append_be32(out, UINT32_MAX); /* -1: NULL */
        return;
    }
    assert(value.n <= BUF_MAX);
    buf_append_be32(out, (uint32_t)value.n);
    buf_append_slice(out, value);
}

static void append_values(struct buf *out, const struct slice *values, size_t count)
{
    assert(count <= COUNT_MAX);
    buf_append_be16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        append_value(out, values[i]);
    }
}

size_t build_begin(struct buf *out, uint8_t type)
{
    size_t start = buf_size(out);

    buf_append_u8(out, type);
    buf_append_be32(out, 0);
    return start;
}

void build_end(struct buf *out, size_t start)
{
    patch_length(out, start + 1);
}

void build_empty(struct buf *out, uint8_t type)
{
    build_end(out, build_begin(out, type));
}

void build_auth(struct buf *out, uint32_t request, struct slice data)
{
    size_t start = build_begin(out, WIRE_AUTHENTICATION);

    buf_append_be32(out, request);
    buf_append_slice(out, data);
    build_end(out, start);
}

void build_parameter_status(struct buf *out, struct slice name, struct slice value)
{
    size_t start = build_begin(out, WIRE_PARAMETER_STATUS);

    append_string(out, name);
    append_string(out, value);
    build_end(out, start);
}

void build_backend_key(struct buf *out, uint32_t pid, struct slice secret)
{
    size_t start = build_begin(out, WIRE_BACKEND_KEY);

    buf_append_be32(out, pid);
    buf_append_slice(out, secret);
    build_end(out, start);
}

void build_ready(struct buf *out, char status)
{
    size_t start = build_begin(out, WIRE_READY);

    buf_append_u8(out, (uint8_t)status);
    build_end(out, start);
}

void build_command_complete(struct buf *out, const char *tag)
{
    size_t start = build_begin(out, WIRE_COMMAND_COMPLETE);

    buf_append_cstr(out, tag);
    build_end(out, start);
}

void build_negotiate(struct buf *out, uint32_t version, const struct slice *options, size_t count)
{
    size_t start = build_begin(out, WIRE_NEGOTIATE);

    assert(count <= COUNT_MAX);
    buf_append_be32(out, version);
    buf_append_be32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        append_string(out, options[i]);
    }
    build_end(out, start);
}

static void append_text_column(struct buf *out, const char *name)
{
    buf_append_cstr(out, name);
    buf_append_be32(out, 0); /* no table */
    buf_append_be16(out, 0); /* no column of it */
    buf_append_be32(out, TYPE_OID_TEXT);
    buf_append_be16(out, UINT16_MAX); /* -1: of variable size */
    buf_append_be32(out, UINT32_MAX); /* -1: no modifier */
    buf_append_be16(out, 0);          /* as text */
}

void build_row_description(struct buf *out, const char *const *names, size_t count)
{
    size_t start = build_begin(out, WIRE_ROW_DESCRIPTION);

    assert(count <= COUNT_MAX);
    buf_append_be16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        append_text_column(out, names[i]);
    }
    build_end(out, start);
}

void build_data_row(struct buf *out, const struct slice *values, size_t count)
{
    size_t start = build_begin(out, WIRE_DATA_ROW);

    append_values(out, values, count);
    build_end(out, start);
}

size_t build_startup_begin(struct buf *out, uint32_t version)
{
    size_t start = buf_size(out);

    buf_append_be32(out, 0);
    buf_append_be32(out, version);
    return start;
}

void build_startup_parameter(struct buf *out, struct slice name, struct slice value)
{
    append_string(out, name);
    append_string(out, value);
}

void build_startup_end(struct buf *out, size_t start)
{
    buf_append_u8(out, 0);
    patch_length(out, start);
}

void build_request(struct buf *out, uint32_t code)
{
    buf_append_be32(out, 8);
    buf_append_be32(out, code);
}

void build_cancel(struct buf *out, uint32_t pid, struct slice secret)
{
    size_t start = build_startup_begin(out, WIRE_CANCEL_REQUEST);

    buf_append_be32(out, pid);
    buf_append_slice(out, secret);
    patch_length(out, start);
}

void build_query(struct buf *out, const char *sql)
{
    size_t start = build_begin(out, WIRE_QUERY);

    buf_append_cstr(out, sql);
    build_end(out, start);
}

void build_password(struct buf *out, struct slice data)
{
    size_t start = build_begin(out, WIRE_PASSWORD);

    buf_append_slice(out, data);
    build_end(out, start);
}

void build_sasl_initial(struct buf *out, const char *mechanism, struct slice data)
{
    size_t start = build_begin(out, WIRE_PASSWORD);

    buf_append_cstr(out, mechanism);
    append_value(out, data);
    build_end(out, start);
}

void build_parse(struct buf *out, const char *statement, const char *sql)
{
    size_t start = build_begin(out, WIRE_PARSE);

    buf_append_cstr(out, statement);
    buf_append_cstr(out, sql);
    buf_append_be16(out, 0); /* the server finds the parameters' types */
    build_end(out, start);
}

void build_bind(struct buf *out, const char *statement, const struct slice *values, size_t count)
{
    size_t start = build_begin(out, WIRE_BIND);

    buf_append_cstr(out, ""); /* the unnamed portal */
    buf_append_cstr(out, statement);
    buf_append_be16(out, 0); /* all parameters as text */
    append_values(out, values, count);
    buf_append_be16(out, 0); /* all results as text */
    build_end(out, start);
}

void build_execute(struct buf *out)
{
    size_t start = build_begin(out, WIRE_EXECUTE);

    buf_append_cstr(out, "");
    buf_append_be32(out, 0);
    build_end(out, start);
}

void build_close_statement(struct buf *out, const char *statement)
{
    size_t start = build_begin(out, WIRE_CLOSE);

    buf_append_u8(out, 'S');
    buf_append_cstr(out, statement);
    build_end(out, start);
}
