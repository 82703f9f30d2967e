// SPDX-License-Identifier: MIT
#include "message.h"

#include <stdio.h>

#include "wire/build.h"
#include "wire/cursor.h"
#include "wire/error.h"

/* ---- requests ---- */

static void build_simple(struct buf *out, const struct request *r, uint32_t client)
{
    size_t start = build_begin(out, WIRE_QUERY);

    for (unsigned i = 0; i < r->count; i++) {
        buf_printf(out, i == 0 ? "" : "; ");
        sql_append(out, &r->sql[i], client, true);
    }
    buf_append_u8(out, 0);
    build_end(out, start);
}

/* int4pl(number, 0), in text. */
static void build_function(struct buf *out, const struct request *r)
{
    enum { INT4PL = 177 };
    char digits[16];
    int n = snprintf(digits, sizeof digits, "%u", r->number);
    size_t start = build_begin(out, WIRE_FUNCTION_CALL);

    buf_append_be32(out, INT4PL);
    buf_append_be16(out, 0);
    buf_append_be16(out, 2);
    buf_append_be32(out, (uint32_t)n);
    buf_append(out, digits, (size_t)n);
    buf_append_be32(out, 1);
    buf_append(out, "0", 1);
    buf_append_be16(out, 0);
    build_end(out, start);
}

static void build_parse_text(struct buf *out, const struct request *r, uint32_t client)
{
    size_t start = build_begin(out, WIRE_PARSE);

    buf_append_cstr(out, sql_statement_name(r->statement));
    sql_append(out, &r->sql[0], client, false);
    buf_append_u8(out, 0);
    buf_append_be16(out, 0);
    build_end(out, start);
}

static void build_bound(struct buf *out, const struct request *r, uint32_t client)
{
    char text[32];
    int n = snprintf(text, sizeof text, "c%u-%u", client, r->number);
    size_t start = build_begin(out, WIRE_BIND);

    buf_append_cstr(out, sql_portal_name(r->portal));
    buf_append_cstr(out, sql_statement_name(r->statement));
    buf_append_be16(out, 0);
    buf_append_be16(out, r->count);
    if (r->count > 0) {
        buf_append_be32(out, (uint32_t)n);
        buf_append(out, text, (size_t)n);
    }
    buf_append_be16(out, 0);
    build_end(out, start);
}

static void build_target(struct buf *out, uint8_t type, char kind, const char *name)
{
    size_t start = build_begin(out, type);

    buf_append_u8(out, (uint8_t)kind);
    buf_append_cstr(out, name);
    build_end(out, start);
}

static void build_run(struct buf *out, const struct request *r)
{
    size_t start = build_begin(out, WIRE_EXECUTE);

    buf_append_cstr(out, sql_portal_name(r->portal));
    buf_append_be32(out, r->limit);
    build_end(out, start);
}

static void build_copy_row(struct buf *out, const struct request *r,
                           const struct sql_context *context)
{
    size_t start = build_begin(out, WIRE_COPY_DATA);

    buf_printf(out, "%u\t%s%u\t%s/%s\n", context->client, r->broken ? "no number " : "", r->number,
               context->setting, context->path);
    build_end(out, start);
}

static void build_copy_fail(struct buf *out)
{
    size_t start = build_begin(out, WIRE_COPY_FAIL);

    buf_append_cstr(out, "as the script says");
    build_end(out, start);
}

void message_build(struct buf *out, const struct request *r, const struct sql_context *context)
{
    switch ((enum request_type)r->type) {
    case REQUEST_QUERY:
        build_simple(out, r, context->client);
        break;
    case REQUEST_FUNCTION:
        build_function(out, r);
        break;
    case REQUEST_PARSE:
        build_parse_text(out, r, context->client);
        break;
    case REQUEST_BIND:
        build_bound(out, r, context->client);
        break;
    case REQUEST_DESCRIBE_STATEMENT:
        build_target(out, WIRE_DESCRIBE, 'S', sql_statement_name(r->statement));
        break;
    case REQUEST_DESCRIBE_PORTAL:
        build_target(out, WIRE_DESCRIBE, 'P', sql_portal_name(r->portal));
        break;
    case REQUEST_EXECUTE:
        build_run(out, r);
        break;
    case REQUEST_CLOSE_STATEMENT:
        build_target(out, WIRE_CLOSE, 'S', sql_statement_name(r->statement));
        break;
    case REQUEST_CLOSE_PORTAL:
        build_target(out, WIRE_CLOSE, 'P', sql_portal_name(r->portal));
        break;
    case REQUEST_SYNC:
        build_empty(out, WIRE_SYNC);
        break;
    case REQUEST_FLUSH:
        build_empty(out, WIRE_FLUSH);
        break;
    case REQUEST_COPY_DATA:
        build_copy_row(out, r, context);
        break;
    case REQUEST_COPY_DONE:
        build_empty(out, WIRE_COPY_DONE);
        break;
    case REQUEST_COPY_FAIL:
        build_copy_fail(out);
        break;
    }
}

/* ---- answers ---- */

static const char *check_columns(struct cursor *c, const struct expected *item)
{
    return cursor_be16(c) == item->columns ? NULL : "a wrong number of columns";
}

/* Takes a value off the row; it must be what `want` holds, which is emptied. */
static bool take_value(struct cursor *c, struct buf *want)
{
    struct slice value = cursor_bytes(c, cursor_be32(c));
    bool same = !c->bad && slice_eq(value, buf_slice(want));

    buf_clear(want);
    return same;
}

static const char *check_row(struct cursor *c, const struct expected *item,
                             const struct sql_context *context)
{
    struct buf want = {0};
    const char *why = cursor_be16(c) == SQL_COLUMNS ? NULL : "a row of another width";

    sql_append_value(&want, item->kind, context->client, item->number, item->row);
    if (why == NULL && !take_value(c, &want)) {
        why = "a row of another client or request";
    }
    buf_printf(&want, "%s", context->setting);
    if (why == NULL && !take_value(c, &want)) {
        why = "a row of another tenant";
    }
    buf_printf(&want, "%s", context->path);
    if (why == NULL && !take_value(c, &want)) {
        why = "another search_path in force";
    }
    sql_append_application(&want, context->client, item->application);
    if (why == NULL && !take_value(c, &want)) {
        why = "another application_name in force";
    }
    buf_release(&want);
    return why;
}

static const char *check_copy_row(struct slice body, const struct expected *item,
                                  const struct sql_context *context)
{
    struct buf want = {0};

    sql_append_value(&want, item->kind, context->client, item->number, item->row);
    buf_printf(&want, "\t%s\t%s\t", context->setting, context->path);
    sql_append_application(&want, context->client, item->application);
    buf_printf(&want, "\n");
    bool same = slice_eq(buf_slice(&want), body);
    buf_release(&want);
    return same ? NULL : "a row of another copy";
}

static const char *check_tag(struct cursor *c, const struct expected *item)
{
    char want[40];

    if (item->number == NO_COUNT) {
        (void)snprintf(want, sizeof want, "%s", item->text);
    } else {
        (void)snprintf(want, sizeof want, "%s %u", item->text, item->number);
    }
    return slice_eq_str(cursor_cstr(c), want) ? NULL : "another command tag";
}

static const char *check_notice(struct slice body, const struct expected *item, uint32_t client)
{
    struct error_fields fields;
    char want[32];

    if (error_parse(body, &fields) < 0) {
        return "a notice that is none";
    }
    if (item->text != NULL) {
        return slice_eq_str(fields.sqlstate, item->text) ? NULL : "another warning";
    }
    (void)snprintf(want, sizeof want, "c%u-%u", client, item->number);
    return slice_eq_str(fields.message, want) ? NULL : "another's notice";
}

static const char *check_error(struct slice body, const struct expected *item)
{
    char sqlstate[6];

    if (!message_error(body, sqlstate)) {
        return "the end of the session";
    }
    return strcmp(sqlstate, item->text) == 0 ? NULL : "another error";
}

static const char *check_sum(struct cursor *c, const struct expected *item)
{
    char want[16];
    int n = snprintf(want, sizeof want, "%u", item->number);
    struct slice got = cursor_bytes(c, cursor_be32(c));

    return slice_eq(got, slice_of(want, (size_t)n)) ? NULL : "another function's result";
}

static const char *check(const struct expected *item, struct slice body,
                         const struct sql_context *context)
{
    struct cursor c = cursor_of(body);

    switch (item->type) {
    case 'T':
    case 't':
        return check_columns(&c, item);
    case 'G':
    case 'H':
        (void)cursor_u8(&c);
        return check_columns(&c, item);
    case 'D':
        return check_row(&c, item, context);
    case 'd':
        return check_copy_row(body, item, context);
    case 'C':
        return check_tag(&c, item);
    case 'N':
        return check_notice(body, item, context->client);
    case 'E':
        return check_error(body, item);
    case 'V':
        return check_sum(&c, item);
    case 'Z':
        return cursor_u8(&c) == item->status ? NULL : "another state of the transaction";
    default:
        return body.n == 0 ? NULL : "a body where there should be none";
    }
}

bool message_is(const struct expected *item, uint8_t type, struct slice body,
                const struct sql_context *context, const char **why)
{
    *why = item->type == (char)type ? check(item, body, context) : "a message of another type";
    return *why == NULL;
}

bool message_error(struct slice body, char sqlstate[6])
{
    struct error_fields fields;

    if (error_parse(body, &fields) < 0) {
        (void)snprintf(sqlstate, 6, "?");
        return false;
    }
    (void)snprintf(sqlstate, 6, "%.*s", (int)fields.sqlstate.n, (const char *)fields.sqlstate.p);
    return slice_eq_str(fields.severity, "ERROR");
}

bool message_says_waiting(struct slice body)
{
    static const char text[] = "No server connection available";
    struct error_fields fields;

    return error_parse(body, &fields) == 0 &&
           slice_eq_str(slice_head(fields.message, sizeof text - 1), text);
}
