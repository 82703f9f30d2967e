// SPDX-License-Identifier: MIT
#include "proxy/rewrite.h"

#include "proxy/note.h"
#include "proxy/rewrite_sql.h"
#include "wire/build.h"
#include "wire/extended.h"

static struct statements *statements(struct frontend *f)
{
    return &f->proxy->statements;
}

static void append_name(struct buf *out, const struct statement *statement)
{
    buf_append(out, statement->name, statement->name_length + 1U);
}

/* One: what stood for it at the server is gone, so the client's name goes as well. */
void rewrite_on_deallocated(struct frontend *f, bool all)
{
    if (all) {
        client_statements_clear(statements(f), &f->statements, false);
        return;
    }
    struct client_statement *cs =
        f->doomed == NULL ? NULL : client_statements_find(f->statements, slice_str(f->doomed));
    if (f->deallocates && cs != NULL) {
        client_statements_unlist(&f->statements, cs);
        client_statement_release(statements(f), cs);
        f->deallocates = false;
    }
}

/* ---- what goes to the server ---- */

static void append_parse(const struct statement *statement, struct buf *out)
{
    size_t start = build_begin(out, WIRE_PARSE);

    append_name(out, statement);
    buf_append_slice(out, statement_body(statement));
    build_end(out, start);
}

/* Keeps the connection's share of statements bounded. */
static void evict(struct frontend *f, struct buf *out)
{
    struct backend *b = f->backend;
    uint32_t most = (uint32_t)f->tenant->pool.prepared_statements;
    uint32_t number;
    char name[STATEMENT_NAME_SIZE];

    while ((number = prepared_evict(&b->statements, most)) != 0) {
        if (note_push(f, LEDGER_CLOSE, LEDGER_INJECT, number, NULL)) {
            (void)statement_name_write(number, name);
            build_close_statement(out, name);
        }
    }
}

/* Makes sure that the statement is on the connection. */
static void provide(struct frontend *f, const struct statement *statement, struct buf *out)
{
    struct backend *b = f->backend;

    if (prepared_use(&b->statements, statement->number)) {
        return;
    }
    if (note_push(f, LEDGER_PARSE, LEDGER_INJECT, statement->number, NULL)) {
        append_parse(statement, out);
        frontend_stats(f)->server_parses++;
        prepared_add(&b->statements, statement->number);
        evict(f, out);
    }
}

static void fail_unknown(struct frontend *f, struct slice name, struct buf *out)
{
    struct err err;

    (void)err_set(&err, ERR_NO_STATEMENT, "prepared statement \"%.*s\" does not exist", (int)name.n,
                  (const char *)name.p);
    note_push_failure(f, &err, out);
}

/* ---- the client's messages ---- */

const void *rewrite_scope(const struct frontend *f)
{
    return f->tenant->strategy == STRATEGY_SCHEMA ? (const void *)f->request.lane
                                                  : (const void *)f->request.lane->pool;
}

static void rewrite_parse(struct frontend *f, const struct parse_view *view, struct slice body,
                          struct buf *out)
{
    struct backend *b = f->backend;
    struct slice rest = slice_from(body, view->statement.n + 1);

    if (client_statements_find(f->statements, view->statement) != NULL) {
        struct err err;
        (void)err_set(&err, ERR_DUPLICATE_STATEMENT, "prepared statement \"%.*s\" already exists",
                      (int)view->statement.n, (const char *)view->statement.p);
        note_push_failure(f, &err, out);
        return;
    }
    struct statement *statement = statements_intern(statements(f), rewrite_scope(f), rest);
    struct client_statement *cs = client_statements_add(&f->statements, view->statement, statement);
    cs->in_flight = true;
    frontend_stats(f)->parses++;
    uint32_t number = statement->number;
    bool there = prepared_use(&b->statements, number);
    if (note_push(f, LEDGER_PARSE, there ? LEDGER_MAKE_UP : LEDGER_FORWARD, number,
                  note_new(NOTE_PARSE, cs)) &&
        !there) {
        append_parse(statement, out);
        frontend_stats(f)->server_parses++;
        prepared_add(&b->statements, number);
        evict(f, out);
    }
}

static void rewrite_bind(struct frontend *f, const struct frame *frame,
                         const struct bind_view *view, struct buf *out)
{
    struct client_statement *cs = client_statements_find(f->statements, view->statement);

    if (cs == NULL) {
        fail_unknown(f, view->statement, out);
        return;
    }
    provide(f, cs->statement, out);
    frontend_stats(f)->binds++;
    (void)note_push(f, LEDGER_BIND, LEDGER_FORWARD, cs->statement->number, NULL);
    uint32_t size = frame->size - 1 - (uint32_t)view->statement.n + cs->statement->name_length;
    buf_append_u8(out, WIRE_BIND);
    buf_append_be32(out, size);
    buf_append_slice(out, view->portal);
    buf_append_u8(out, 0);
    append_name(out, cs->statement);
}

static void rewrite_describe(struct frontend *f, struct slice statement, struct buf *out)
{
    struct client_statement *cs = client_statements_find(f->statements, statement);

    if (cs == NULL) {
        fail_unknown(f, statement, out);
        return;
    }
    provide(f, cs->statement, out);
    if (note_push(f, LEDGER_DESCRIBE, LEDGER_FORWARD, cs->statement->number, NULL)) {
        size_t start = build_begin(out, WIRE_DESCRIBE);
        buf_append_u8(out, 'S');
        append_name(out, cs->statement);
        build_end(out, start);
    }
}

/* The server keeps the statement for others; closing one that does not exist is no error. */
static void rewrite_close(struct frontend *f, struct slice statement)
{
    struct client_statement *cs = client_statements_find(f->statements, statement);
    struct note *note = NULL;

    if (cs != NULL) {
        client_statements_unlist(&f->statements, cs);
        note = note_new(NOTE_CLOSE, cs);
    }
    (void)note_push(f, LEDGER_CLOSE, LEDGER_MAKE_UP, 0, note);
}

/* ---- one message ---- */

static enum rewrite_look refuse_large(struct frontend *f, const struct frame *frame,
                                      struct buf *out, size_t *done)
{
    struct err err;

    (void)err_set(&err, ERR_UNSUPPORTED,
                  "a named statement may have %d bytes at most in transaction mode",
                  LIMIT_WHOLE_MESSAGE);
    note_push_failure(f, &err, out);
    f->body_left = frame->size - FRAME_HEADER;
    f->dropping = true;
    *done = FRAME_HEADER;
    return REWRITE_CONCERNED;
}

static enum rewrite_look take_parse(struct frontend *f, struct slice rest,
                                    const struct frame *frame, struct buf *out, size_t *done)
{
    struct parse_view view;

    if (rest.p[FRAME_HEADER] == 0) {
        return rewrite_sql_parse(f, rest, frame, out, done);
    }
    if (frame->size > LIMIT_WHOLE_MESSAGE) {
        return refuse_large(f, frame, out, done);
    }
    if (rest.n < frame->size) {
        return REWRITE_SHORT;
    }
    struct slice body = frame_body(rest, frame);
    if (extended_parse(body, &view) < 0) {
        return REWRITE_PLAIN; /* the server says what is wrong with it */
    }
    rewrite_parse(f, &view, body, out);
    *done = frame->size;
    return REWRITE_CONCERNED;
}

static enum rewrite_look take_bind(struct frontend *f, struct slice rest, const struct frame *frame,
                                   struct buf *out, size_t *done)
{
    size_t have = rest.n < frame->size ? rest.n : frame->size;
    struct slice body = slice_of(rest.p + FRAME_HEADER, have - FRAME_HEADER);
    struct bind_view view;

    if (extended_bind(body, &view) < 0) {
        return rest.n < frame->size && rest.n < REWRITE_NAMES_MAX ? REWRITE_SHORT : REWRITE_PLAIN;
    }
    if (view.statement.n == 0) {
        return REWRITE_PLAIN;
    }
    *done = FRAME_HEADER + view.portal.n + 1 + view.statement.n + 1;
    uint32_t left = frame->size - (uint32_t)*done;
    bool known = client_statements_find(f->statements, view.statement) != NULL;
    rewrite_bind(f, frame, &view, out);
    f->body_left = left;
    f->dropping = !known && left > 0;
    return REWRITE_CONCERNED;
}

static enum rewrite_look take_target(struct frontend *f, struct slice rest,
                                     const struct frame *frame, struct buf *out, size_t *done)
{
    struct target_view view;

    if (rest.n < frame->size) {
        return frame->size > REWRITE_NAMES_MAX ? REWRITE_PLAIN : REWRITE_SHORT;
    }
    if (extended_target(frame_body(rest, frame), &view) < 0 || view.name.n == 0) {
        return REWRITE_PLAIN;
    }
    if (frame->type == WIRE_DESCRIBE) {
        rewrite_describe(f, view.name, out);
    } else {
        rewrite_close(f, view.name);
    }
    *done = frame->size;
    return REWRITE_CONCERNED;
}

enum rewrite_look rewrite_look(struct slice rest, const struct frame *frame)
{
    bool looked_into = frame->type == WIRE_PARSE || frame->type == WIRE_BIND ||
                       frame->type == WIRE_DESCRIBE || frame->type == WIRE_CLOSE ||
                       frame->type == WIRE_QUERY;
    bool ours = false;

    if (!looked_into || frame->size < FRAME_HEADER + 2) {
        return REWRITE_PLAIN;
    }
    if (rest.n < FRAME_HEADER + 2) {
        return REWRITE_SHORT;
    }
    struct slice body = slice_from(rest, FRAME_HEADER);
    switch (frame->type) {
    case WIRE_PARSE:
        ours = body.p[0] != 0 || rewrite_sql_concerns(slice_from(body, 1));
        break;
    case WIRE_BIND:
        ours =
            body.p[0] != 0 || body.p[1] != 0; /* else the unnamed portal of the unnamed statement */
        break;
    case WIRE_QUERY:
        ours = rewrite_sql_concerns(body);
        break;
    default:
        ours = body.p[0] == 'S' && body.p[1] != 0;
        break;
    }
    return ours ? REWRITE_CONCERNED : REWRITE_PLAIN;
}

enum rewrite_look rewrite_message(struct frontend *f, struct slice rest, const struct frame *frame,
                                  struct buf *out, size_t *done)
{
    switch (frame->type) {
    case WIRE_PARSE:
        return take_parse(f, rest, frame, out, done);
    case WIRE_BIND:
        return take_bind(f, rest, frame, out, done);
    case WIRE_QUERY:
        return rewrite_sql_query(f, rest, frame, out, done);
    default:
        return take_target(f, rest, frame, out, done);
    }
}
