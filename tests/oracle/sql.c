// SPDX-License-Identifier: MIT
#include "sql.h"

static const struct sql_facts facts[SQL_KINDS] = {
    [SQL_EMPTY] = {.tag = ""},
    [SQL_ECHO] = {.params = 1, .columns = SQL_COLUMNS, .rows = 1, .tag = "SELECT"},
    [SQL_SERIES] = {.params = 1, .columns = SQL_COLUMNS, .rows = SQL_ROWS, .tag = "SELECT"},
    [SQL_LATE_ERROR] = {.params = 1, .columns = SQL_COLUMNS, .rows = SQL_ROWS, .tag = "SELECT"},
    [SQL_LARGE] = {.params = 1, .columns = SQL_COLUMNS, .rows = 1, .tag = "SELECT"},
    [SQL_LITERAL] = {.columns = SQL_COLUMNS, .rows = 1, .tag = "SELECT"},
    [SQL_DO] = {.tag = "DO"},
    [SQL_NOTICE] = {.tag = "DO"},
    [SQL_SLEEP] = {.columns = SQL_COLUMNS, .rows = 1, .tag = "SELECT"},
    [SQL_BEGIN] = {.tag = "BEGIN"},
    [SQL_COMMIT] = {.ends_block = true, .tag = "COMMIT"},
    [SQL_ROLLBACK] = {.ends_block = true, .tag = "ROLLBACK"},
    [SQL_SYNTAX] = {.tag = ""},
    [SQL_NO_TABLE] = {.columns = 1, .tag = ""},
    [SQL_ZERO] = {.columns = 1, .tag = ""},
    [SQL_SET] = {.tag = "SET"},
    [SQL_DEALLOCATE] = {.tag = "DEALLOCATE"},
    [SQL_DEALLOCATE_ALL] = {.tag = "DEALLOCATE ALL"},
    [SQL_DISCARD_ALL] = {.tag = "DISCARD ALL"},
    [SQL_COPY_OUT] = {.tag = "COPY"},
    [SQL_COPY_IN] = {.tag = "COPY"},
};

static const char *const statement_names[] = {"", "s1", "s2", "s3", "S 4"};
static const char *const portal_names[] = {"", "p1", "p2"};

const struct sql_facts *sql_facts(enum sql_kind kind)
{
    return &facts[kind];
}

const char *sql_statement_name(unsigned index)
{
    return statement_names[index];
}

const char *sql_portal_name(unsigned index)
{
    return portal_names[index];
}

#define CONTEXT                                                                                    \
    ", coalesce(current_setting('app.tenant', true), ''), current_setting('search_path'),"         \
    " current_setting('application_name')"

static void append_parameter(struct buf *out, const struct sql *sql, uint32_t client, bool literal)
{
    if (literal) {
        buf_printf(out, "'c%u-%u'", client, sql->number);
    } else {
        buf_printf(out, "$1::text");
    }
}

static void append_select(struct buf *out, const struct sql *sql, uint32_t client, bool literal)
{
    buf_printf(out, "SELECT ");
    if (sql->kind == SQL_LARGE) {
        buf_printf(out, "repeat(");
    }
    append_parameter(out, sql, client, literal);
    switch (sql->kind) {
    case SQL_SERIES:
        buf_printf(out, " || ':' || n" CONTEXT " FROM generate_series(1, %d) n", SQL_ROWS);
        break;
    case SQL_LATE_ERROR:
        buf_printf(
            out, " || ':' || n || repeat('', 1/(%d - n))" CONTEXT " FROM generate_series(1, %d) n",
            SQL_FAILS_AT, SQL_ROWS);
        break;
    case SQL_LARGE:
        buf_printf(out, " || '.', %d)" CONTEXT, SQL_LARGE_TIMES);
        break;
    case SQL_SLEEP:
        buf_printf(out, CONTEXT " FROM pg_sleep(0.00%u)", 1 + sql->number % 9);
        break;
    default:
        buf_printf(out, CONTEXT);
        break;
    }
}

static void append_copy_out(struct buf *out, const struct sql *sql, uint32_t client)
{
    buf_printf(out,
               "COPY (SELECT 'c%u-%u:' || n" CONTEXT " FROM generate_series(1, %d) n) TO STDOUT",
               client, sql->number, SQL_COPY_ROWS);
}

static void append_other(struct buf *out, const struct sql *sql, uint32_t client)
{
    switch ((enum sql_kind)sql->kind) {
    case SQL_DO:
        buf_printf(out, "DO $$BEGIN END$$");
        break;
    case SQL_NOTICE:
        buf_printf(out, "DO $$BEGIN RAISE NOTICE 'c%u-%u'; END$$", client, sql->number);
        break;
    case SQL_SYNTAX:
        buf_printf(out, "SELEC %u", sql->number);
        break;
    case SQL_NO_TABLE:
        buf_printf(out, "SELECT x FROM no_such_table");
        break;
    case SQL_ZERO:
        buf_printf(out, "SELECT 1/0");
        break;
    case SQL_SET:
        buf_printf(out, "SET application_name = '");
        sql_append_application(out, client, sql->number);
        buf_printf(out, "'");
        break;
    case SQL_DEALLOCATE:
        buf_printf(out, "DEALLOCATE %s\"%s\"", sql->variant % 2 == 0 ? "" : "PREPARE ",
                   sql_statement_name(sql->target));
        break;
    case SQL_COPY_IN:
        buf_printf(out, "COPY public.oracle_sink (client, number, claimed) FROM STDIN");
        break;
    case SQL_EMPTY:
        break;
    default:
        buf_printf(out, "%s", facts[sql->kind].tag);
        break;
    }
}

void sql_append(struct buf *out, const struct sql *sql, uint32_t client, bool literal)
{
    if (sql->variant > 0) {
        buf_printf(out, "/* %u */ ", sql->variant);
    }
    switch ((enum sql_kind)sql->kind) {
    case SQL_ECHO:
    case SQL_SERIES:
    case SQL_LATE_ERROR:
    case SQL_LARGE:
        append_select(out, sql, client, literal);
        break;
    case SQL_LITERAL:
    case SQL_SLEEP:
        append_select(out, sql, client, true);
        break;
    case SQL_COPY_OUT:
        append_copy_out(out, sql, client);
        break;
    default:
        append_other(out, sql, client);
        break;
    }
}

void sql_append_value(struct buf *out, enum sql_kind kind, uint32_t client, uint32_t number,
                      unsigned row)
{
    unsigned times = kind == SQL_LARGE ? SQL_LARGE_TIMES : 1;

    for (unsigned i = 0; i < times; i++) {
        buf_printf(out, kind == SQL_LARGE ? "c%u-%u." : "c%u-%u", client, number);
    }
    if (kind == SQL_SERIES || kind == SQL_LATE_ERROR || kind == SQL_COPY_OUT) {
        buf_printf(out, ":%u", row);
    }
}

void sql_append_application(struct buf *out, uint32_t client, uint32_t number)
{
    if (number != 0) {
        buf_printf(out, "n%u-%u", client, number);
    }
}
