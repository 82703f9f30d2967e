// SPDX-License-Identifier: MIT
#include "ctl/print.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"

/* Of PostgreSQL's types those that JSON has as well. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_NUMERIC = 1700,
    OID_JSONB = 3802
};

/* ---- tables ---- */

/* Characters of a UTF-8 text: bytes that do not continue one. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    }
    return n;
}

static bool is_number(const PGresult *result, int column)
{
    switch (PQftype(result, column)) {
    case OID_INT8:
    case OID_INT2:
    case OID_INT4:
    case OID_OID:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC:
        return true;
    default:
        return false;
    }
}

static size_t *measure(const PGresult *result, int columns, int rows)
{
    size_t *widths = x_alloc((size_t)columns * sizeof *widths);

    for (int column = 0; column < columns; column++) {
        widths[column] = width_of(PQfname(result, column));
        for (int row = 0; row < rows; row++) {
            size_t width = width_of(PQgetvalue(result, row, column));
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    return widths;
}

static void pad(struct buf *out, char with, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_append_u8(out, (uint8_t)with);
    }
}

/* One cell; behind the last column no space is left. */
static void print_cell(struct buf *out, const char *text, size_t width, bool right, bool last)
{
    size_t space = width - width_of(text);

    if (right) {
        pad(out, ' ', space);
    }
    buf_append(out, text, strlen(text));
    if (!right && !last) {
        pad(out, ' ', space);
    }
    if (!last) {
        buf_append(out, "  ", 2);
    }
}

void print_table(struct buf *out, const PGresult *result)
{
    int columns = PQnfields(result);
    int rows = PQntuples(result);
    size_t *widths = measure(result, columns, rows);

    for (int column = 0; column < columns; column++) {
        print_cell(out, PQfname(result, column), widths[column], is_number(result, column),
                   column == columns - 1);
    }
    buf_append_u8(out, '\n');
    for (int column = 0; column < columns; column++) {
        pad(out, '-', widths[column]);
        pad(out, ' ', column == columns - 1 ? 0 : 2);
    }
    buf_append_u8(out, '\n');
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            print_cell(out, PQgetvalue(result, row, column), widths[column],
                       is_number(result, column), column == columns - 1);
        }
        buf_append_u8(out, '\n');
    }
    free(widths);
}

/* ---- JSON ---- */

/* As it stands. NaN and Infinity are no numbers in JSON. */
static bool is_json(const PGresult *result, int column, const char *value)
{
    Oid type = PQftype(result, column);

    if (is_number(result, column)) {
        value += *value == '-' ? 1 : 0;
        return *value >= '0' && *value <= '9';
    }
    return type == OID_JSON || type == OID_JSONB;
}

static void print_json_value(struct buf *out, const PGresult *result, int row, int column)
{
    const char *value = PQgetvalue(result, row, column);

    if (PQgetisnull(result, row, column)) {
        buf_append(out, "null", 4);
    } else if (is_json(result, column, value)) {
        buf_append(out, value, strlen(value));
    } else if (PQftype(result, column) == OID_BOOL) {
        value = *value == 't' ? "true" : "false";
        buf_append(out, value, strlen(value));
    } else {
        json_append_text(out, slice_str(value));
    }
}

static void print_json_row(struct buf *out, const PGresult *result, int row)
{
    int columns = PQnfields(result);

    buf_append_u8(out, '{');
    for (int column = 0; column < columns; column++) {
        buf_append(out, ", ", column == 0 ? 0 : 2);
        json_append_text(out, slice_str(PQfname(result, column)));
        buf_append(out, ": ", 2);
        print_json_value(out, result, row, column);
    }
    buf_append_u8(out, '}');
}

void print_json_rows(struct buf *out, const PGresult *result)
{
    int rows = PQntuples(result);

    buf_append_u8(out, '[');
    for (int row = 0; row < rows; row++) {
        buf_append(out, row == 0 ? "\n  " : ",\n  ", row == 0 ? 3 : 4);
        print_json_row(out, result, row);
    }
    buf_append(out, rows == 0 ? "]\n" : "\n]\n", rows == 0 ? 2 : 3);
}

void print_json_command(struct buf *out, const char *tag, struct slice notices)
{
    bool first = true;

    buf_append(out, "{\"command\": ", 12);
    json_append_text(out, slice_str(tag));
    buf_append(out, ", \"notices\": [", 14);
    while (notices.n > 0) {
        ptrdiff_t end = slice_find(notices, '\n');
        size_t n = end < 0 ? notices.n : (size_t)end;
        buf_append(out, ", ", first ? 0 : 2);
        json_append_text(out, slice_head(notices, n));
        notices = slice_from(notices, n + 1);
        first = false;
    }
    buf_append(out, "]}\n", 3);
}
