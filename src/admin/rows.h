// SPDX-License-Identifier: MIT
//
// rows: the answer of a SHOW: a RowDescription by a const table of columns, and DataRows that hold
// exactly those, in their order. A column is text or a number; numbers go out as text, or as eight
// bytes where the client asked for the binary format (text is the same in both). Pure: bytes into a
// buf.
#ifndef ADMIN_ROWS_H
#define ADMIN_ROWS_H

#include <stdbool.h>

#include "base/buf.h"

enum { ROWS_COLUMNS_MAX = 64 };

enum column_type { COLUMN_TEXT, COLUMN_INT };

struct column {
    const char *name;
    enum column_type type;
};

struct columns {
    const struct column *items;
    uint32_t count; /* at most ROWS_COLUMNS_MAX; 0: a command without rows */
};

#define COLUMNS(table)                                                                             \
    {                                                                                              \
        .items = (table), .count = sizeof(table) / sizeof((table)[0])                              \
    }

struct rows {
    struct buf *out;
    struct columns columns;
    uint64_t binary; /* bit i: column i in the binary format */
    uint32_t at;     /* columns written of the row under way */
    size_t start;    /* of its message */
};

void rows_init(struct rows *rows, struct buf *out, struct columns columns, uint64_t binary);

/* The RowDescription. */
void rows_describe(struct buf *out, struct columns columns, uint64_t binary);

/* One row: begin, a value for each column in its order, end. The type must be the column's. */
void row_begin(struct rows *rows);
void row_slice(struct rows *rows, struct slice value);
void row_text(struct rows *rows, const char *value); /* NULL is a NULL value */
void row_int(struct rows *rows, int64_t value);
void row_null(struct rows *rows); /* of either type */
void row_end(struct rows *rows);

#endif
