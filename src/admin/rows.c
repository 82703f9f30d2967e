// SPDX-License-Identifier: MIT
#include "admin/rows.h"

#include <assert.h>

#include "wire/build.h"

enum { OID_INT8 = 20, OID_TEXT = 25 };

void rows_init(struct rows *rows, struct buf *out, struct columns columns, uint64_t binary)
{
    assert(columns.count <= ROWS_COLUMNS_MAX);
    *rows = (struct rows){.out = out, .columns = columns, .binary = binary};
}

static void describe_column(struct buf *out, const struct column *column, bool binary)
{
    bool number = column->type == COLUMN_INT;

    buf_append_cstr(out, column->name);
    buf_append_be32(out, 0); /* no table */
    buf_append_be16(out, 0); /* no column of it */
    buf_append_be32(out, number ? OID_INT8 : OID_TEXT);
    buf_append_be16(out, number ? 8 : UINT16_MAX); /* bytes; -1: of variable size */
    buf_append_be32(out, UINT32_MAX);              /* -1: no modifier */
    buf_append_be16(out, binary ? 1 : 0);
}

void rows_describe(struct buf *out, struct columns columns, uint64_t binary)
{
    size_t start = build_begin(out, WIRE_ROW_DESCRIPTION);

    buf_append_be16(out, (uint16_t)columns.count);
    for (uint32_t i = 0; i < columns.count; i++) {
        describe_column(out, &columns.items[i], (binary >> i & 1) != 0);
    }
    build_end(out, start);
}

void row_begin(struct rows *rows)
{
    rows->at = 0;
    rows->start = build_begin(rows->out, WIRE_DATA_ROW);
    buf_append_be16(rows->out, (uint16_t)rows->columns.count);
}

static void append_value(struct rows *rows, struct slice value)
{
    buf_append_be32(rows->out, (uint32_t)value.n);
    buf_append_slice(rows->out, value);
}

void row_slice(struct rows *rows, struct slice value)
{
    assert(rows->at < rows->columns.count && rows->columns.items[rows->at].type == COLUMN_TEXT);
    append_value(rows, value);
    rows->at++;
}

void row_text(struct rows *rows, const char *value)
{
    if (value == NULL) {
        row_null(rows);
    } else {
        row_slice(rows, slice_str(value));
    }
}

/* Digits from the right end of text; returns where they begin. */
static size_t print_number(int64_t value, char text[24])
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t at = 24;

    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        text[--at] = '-';
    }
    return at;
}

void row_int(struct rows *rows, int64_t value)
{
    assert(rows->at < rows->columns.count && rows->columns.items[rows->at].type == COLUMN_INT);
    if ((rows->binary >> rows->at & 1) != 0) {
        buf_append_be32(rows->out, 8);
        buf_append_be32(rows->out, (uint32_t)((uint64_t)value >> 32));
        buf_append_be32(rows->out, (uint32_t)(uint64_t)value);
    } else {
        char text[24];
        size_t at = print_number(value, text);
        append_value(rows, slice_of(text + at, sizeof text - at));
    }
    rows->at++;
}

void row_null(struct rows *rows)
{
    assert(rows->at < rows->columns.count);
    buf_append_be32(rows->out, UINT32_MAX); /* -1: NULL */
    rows->at++;
}

void row_end(struct rows *rows)
{
    assert(rows->at == rows->columns.count);
    build_end(rows->out, rows->start);
}
