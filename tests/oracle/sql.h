// SPDX-License-Identifier: MIT
//
// sql: the statements that the oracle's clients use. Every row says who asked and with which
// number, and what context was in force when it was made: the tenant, the search path, and the
// application name, which a client changes as it goes.
#ifndef ORACLE_SQL_H
#define ORACLE_SQL_H

#include "base/buf.h"

enum sql_kind {
    SQL_EMPTY,
    SQL_ECHO,       /* one row of the bound number */
    SQL_SERIES,     /* SQL_ROWS rows of it */
    SQL_LATE_ERROR, /* as many, but it fails at row SQL_FAILS_AT */
    SQL_LARGE,      /* one row of SQL_LARGE_TIMES times the bound number */
    SQL_LITERAL,    /* one row of the number that stands in the text */
    SQL_DO,
    SQL_NOTICE, /* a notice with the number in the text */
    SQL_SLEEP,  /* as SQL_LITERAL, a few milliseconds later */
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SYNTAX,   /* fails at Parse */
    SQL_NO_TABLE, /* fails at Parse */
    SQL_ZERO,     /* fails at Bind */
    SQL_SET,      /* application_name, to the number in the text */
    SQL_DEALLOCATE,
    SQL_DEALLOCATE_ALL,
    SQL_DISCARD_ALL,
    SQL_COPY_OUT, /* SQL_COPY_ROWS rows with the number in the text */
    SQL_COPY_IN,
    SQL_KINDS
};

enum { SQL_ROWS = 7, SQL_FAILS_AT = 4, SQL_COPY_ROWS = 3, SQL_LARGE_TIMES = 3000, SQL_COLUMNS = 4 };

struct sql {
    uint8_t kind;    /* enum sql_kind */
    uint8_t variant; /* the same in another text, so that there are many statements */
    uint8_t target;  /* DEALLOCATE: number of the name */
    uint32_t number; /* what stands in the text */
};

/* What a row must show. */
struct sql_context {
    uint32_t client;
    const char *setting;  /* value of app.tenant */
    const char *path;     /* value of search_path */
    uint32_t application; /* number of the application name in force; 0 for none */
};

struct sql_facts {
    uint8_t params;  /* bound in the extended protocol */
    uint8_t columns; /* 0 for a statement without rows */
    uint8_t rows;
    bool ends_block; /* may run in a failed transaction */
    const char *tag; /* without a count */
};

const struct sql_facts *sql_facts(enum sql_kind kind);

/* Appends the text, with $1, or with `number` in its place where `literal`; no terminator. */
void sql_append(struct buf *out, const struct sql *sql, uint32_t client, bool literal);

/* Appends the value of the first column of row `row`, counted from 1. */
void sql_append_value(struct buf *out, enum sql_kind kind, uint32_t client, uint32_t number,
                      unsigned row);

/* Appends the application name of that number. */
void sql_append_application(struct buf *out, uint32_t client, uint32_t number);

/* Names of prepared statements and portals as clients use them; 0 is the unnamed one. */
const char *sql_statement_name(unsigned index);
const char *sql_portal_name(unsigned index);

#endif
