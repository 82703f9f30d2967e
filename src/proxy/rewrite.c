// SPDX-License-Identifier: MIT
#include "proxy/rewrite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/extended.h"
#include "wire/token.h"

/* Bytes of a message in which the names that we need must end. */
#define NAMES_MAX LIMIT_SCRATCH

/* Never prepared: what is bound to it fails. */
#define NO_STATEMENT "fahrend_none"

/* Prepared in place of one that a client deallocates: the server's own is shared, and stays. */
#define DEALLOCATED "fahrend_gone"

#define NAME_SIZE 32

enum note_kind { NOTE_PARSE, NOTE_CLOSE, NOTE_ERROR };

/* What an entry of the ledger means to us. */
struct note {
    enum note_kind kind;
    struct client_statement *cs; /* PARSE, CLOSE: whose it is; counted there */
    struct err *err;             /* ERROR; owned */
};

static struct note *note_new(enum note_kind kind, struct client_statement *cs)
{
    struct note *note = x_zalloc(sizeof *note);

    note->kind = kind;
    note->cs = cs;
    if (cs != NULL) {
        cs->notes++;
    }
    return note;
}

static struct note *note_error(const struct err *err)
{
    struct note *note = note_new(NOTE_ERROR, NULL);

    note->err = x_alloc(sizeof *err);
    *note->err = *err;
    return note;
}

static struct statements *statements(struct frontend *f)
{
    return &f->proxy->statements;
}

static void server_name(uint32_t number, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "fahrend_%u", number);
}

/* ---- the answers ---- */

static void finish_parse(struct frontend *f, struct client_statement *cs, bool answered)
{
    cs->in_flight = false;
    if (!answered) {
        client_statements_unlist(&f->statements, cs);
    }
}

static void finish_close(struct frontend *f, struct client_statement *cs, bool answered)
{
    if (!answered && !cs->listed) {
        client_statements_list(&f->statements, cs);
    }
}

static void send_error(struct frontend *f, const struct err *err)
{
    struct buf out = {0};

    frontend_stats(f)->errors++;
    error_build(&out, WIRE_ERROR, "ERROR", err);
    (void)conn_send_slice(&f->conn, buf_slice(&out));
    buf_release(&out);
}

static void finish_note(struct frontend *f, struct note *note, bool answered)
{
    switch (note->kind) {
    case NOTE_PARSE:
        finish_parse(f, note->cs, answered);
        break;
    case NOTE_CLOSE:
        finish_close(f, note->cs, answered);
        break;
    case NOTE_ERROR:
        if (answered) {
            send_error(f, note->err);
        }
        free(note->err);
        break;
    }
    if (note->cs != NULL) {
        note->cs->notes--;
        client_statement_release(statements(f), note->cs);
    }
    free(note);
}

void rewrite_on_entry(struct frontend *f, const struct ledger_entry *entry, bool answered)
{
    finish_note(f, entry->note, answered);
}

void rewrite_on_deallocated_all(struct frontend *f)
{
    client_statements_clear(statements(f), &f->statements, false);
}

/* Pushes an entry with its note; where the server skips the message, it is as if it had been
 * dropped. */
static bool push(struct frontend *f, enum ledger_kind kind, enum ledger_action action,
                 uint32_t number, struct note *note)
{
    struct ledger_entry *entry = ledger_push(&f->backend->ledger, kind, action);

    if (entry == NULL) {
        if (note != NULL) {
            finish_note(f, note, false);
        }
        return false;
    }
    entry->arg = number;
    entry->note = note;
    if (kind == LEDGER_PARSE || kind == LEDGER_CLOSE || (kind == LEDGER_QUERY && number != 0)) {
        ledger_doubt(&f->backend->ledger, entry);
    }
    return true;
}

/* ---- what goes to the server ---- */

static void append_parse(const struct statement *statement, struct buf *out)
{
    char name[NAME_SIZE];

    server_name(statement->number, name);
    size_t start = build_begin(out, WIRE_PARSE);
    buf_append_cstr(out, name);
    buf_append_slice(out, statement_body(statement));
    build_end(out, start);
}

/* Keeps the connection's share of statements bounded. */
static void evict(struct frontend *f, struct buf *out)
{
    struct backend *b = f->backend;
    uint32_t most = (uint32_t)f->tenant->pool.prepared_statements;
    uint32_t number;
    char name[NAME_SIZE];

    while ((number = prepared_evict(&b->statements, most)) != 0) {
        if (push(f, LEDGER_CLOSE, LEDGER_INJECT, number, NULL)) {
            server_name(number, name);
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
    if (push(f, LEDGER_PARSE, LEDGER_INJECT, statement->number, NULL)) {
        append_parse(statement, out);
        frontend_stats(f)->server_parses++;
        prepared_add(&b->statements, statement->number);
        evict(f, out);
    }
}

/* A message in place of the client's that fails at the server, where its error gives way to ours.
 */
static void fail(struct frontend *f, const struct err *err, struct buf *out)
{
    if (push(f, LEDGER_BIND, LEDGER_REPLACE, 0, note_error(err))) {
        build_bind(out, NO_STATEMENT, NULL, 0);
    }
}

static void fail_unknown(struct frontend *f, struct slice name, struct buf *out)
{
    struct err err;

    (void)err_set(&err, ERR_NO_STATEMENT, "prepared statement \"%.*s\" does not exist", (int)name.n,
                  (const char *)name.p);
    fail(f, &err, out);
}

/* ---- the client's messages ---- */

static const void *scope(const struct frontend *f)
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
        fail(f, &err, out);
        return;
    }
    struct statement *statement = statements_intern(statements(f), scope(f), rest);
    struct client_statement *cs = client_statements_add(&f->statements, view->statement, statement);
    cs->in_flight = true;
    frontend_stats(f)->parses++;
    uint32_t number = statement->number;
    bool there = prepared_use(&b->statements, number);
    if (push(f, LEDGER_PARSE, there ? LEDGER_MAKE_UP : LEDGER_FORWARD, number,
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
    char name[NAME_SIZE];

    if (cs == NULL) {
        fail_unknown(f, view->statement, out);
        return;
    }
    provide(f, cs->statement, out);
    frontend_stats(f)->binds++;
    server_name(cs->statement->number, name);
    (void)push(f, LEDGER_BIND, LEDGER_FORWARD, cs->statement->number, NULL);
    uint32_t size = frame->size - 1 - (uint32_t)view->statement.n + (uint32_t)strlen(name);
    buf_append_u8(out, WIRE_BIND);
    buf_append_be32(out, size);
    buf_append_slice(out, view->portal);
    buf_append_u8(out, 0);
    buf_append_cstr(out, name);
}

static void rewrite_describe(struct frontend *f, struct slice statement, struct buf *out)
{
    struct client_statement *cs = client_statements_find(f->statements, statement);
    char name[NAME_SIZE];

    if (cs == NULL) {
        fail_unknown(f, statement, out);
        return;
    }
    provide(f, cs->statement, out);
    server_name(cs->statement->number, name);
    if (push(f, LEDGER_DESCRIBE, LEDGER_FORWARD, cs->statement->number, NULL)) {
        size_t start = build_begin(out, WIRE_DESCRIBE);
        buf_append_u8(out, 'S');
        buf_append_cstr(out, name);
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
    (void)push(f, LEDGER_CLOSE, LEDGER_MAKE_UP, 0, note);
}

/* ---- DEALLOCATE and DISCARD ALL ---- */

/* An identifier as the server reads it: folded, or without its quotes. */
static size_t read_identifier(struct slice token, char *out, size_t size)
{
    size_t n = 0;
    bool quoted = token.n >= 2 && token.p[0] == '"';
    size_t end = quoted ? token.n - 1 : token.n;

    for (size_t i = quoted ? 1 : 0; i < end && n + 1 < size; i++) {
        uint8_t c = token.p[i];
        if (quoted && c == '"') {
            i++;
        }
        out[n++] = (char)(quoted || c < 'A' || c > 'Z' ? c : c + ('a' - 'A'));
    }
    out[n] = '\0';
    return n;
}

/* What a query means to us. */
enum meaning { MEANS_NOTHING, MEANS_DROP_ONE, MEANS_DROP_ALL, MEANS_LISTEN };

/* Looks for a lone DEALLOCATE or DISCARD, or a LISTEN; for MEANS_DROP_ONE with the client's
 * statement in *cs. */
static enum meaning look_at_query(struct frontend *f, struct slice query,
                                  struct client_statement **cs)
{
    char text[256];
    struct slice rest = query;
    struct slice verb = token_next(&rest);
    bool deallocate = token_is(verb, "deallocate");

    if (token_is(verb, "listen")) {
        return MEANS_LISTEN;
    }
    if (!deallocate && !token_is(verb, "discard")) {
        return MEANS_NOTHING;
    }
    struct slice name = token_next_name(&rest);
    if (deallocate && token_is(name, "prepare")) {
        name = token_next_name(&rest);
    }
    if (token_is(name, "all")) {
        return MEANS_DROP_ALL;
    }
    size_t n = read_identifier(name, text, sizeof text);
    *cs = client_statements_find(f->statements, slice_of(text, n));
    return deallocate && *cs != NULL && token_next(&rest).n == 0 ? MEANS_DROP_ONE : MEANS_NOTHING;
}

/* The client's name goes when the server has done as much with another. */
static struct note *drop_one(struct frontend *f, struct client_statement *cs)
{
    client_statements_unlist(&f->statements, cs);
    return note_new(NOTE_CLOSE, cs);
}

/* Whether a query could begin with DEALLOCATE, DISCARD or LISTEN, perhaps behind a comment, from
 * its first byte that is no space. */
static bool may_concern_us(struct slice query)
{
    size_t i = 0;

    while (i < query.n && (query.p[i] == ' ' || query.p[i] == '\n' || query.p[i] == '\t')) {
        i++;
    }
    uint8_t first = i < query.n ? query.p[i] : 0;
    return first == 'd' || first == 'D' || first == 'l' || first == 'L' || first == '/' ||
           first == '-' || first == ';';
}

/* What a client asked for with LISTEN would reach whoever has the connection then. */
static void refuse_listen(struct err *err)
{
    (void)err_set(err, ERR_UNSUPPORTED, "LISTEN is not supported in transaction mode");
    err_hint(err, "Connect through a tenant whose pool.mode is session.");
}

/* A query in place of the client's that fails, where its error gives way to ours. */
static void listen_simple(struct frontend *f, struct buf *out)
{
    struct err err;

    refuse_listen(&err);
    (void)push(f, LEDGER_QUERY, LEDGER_REPLACE, 0, note_error(&err));
    build_query(out, "LISTEN");
}

static void listen_extended(struct frontend *f, struct buf *out)
{
    struct err err;

    refuse_listen(&err);
    fail(f, &err, out);
}

/* "DEALLOCATE name": the answer to the PREPARE is swallowed. */
static void deallocate_simple(struct frontend *f, struct client_statement *cs, struct buf *out)
{
    char sql[128];
    uint32_t number = ++statements(f)->next_dropped; /* one that failed may have left its own */

    (void)snprintf(sql, sizeof sql, "PREPARE %s_%u AS SELECT; DEALLOCATE %s_%u", DEALLOCATED,
                   number, DEALLOCATED, number);
    (void)push(f, LEDGER_QUERY, LEDGER_FORWARD, 1, drop_one(f, cs));
    build_query(out, sql);
}

/* Every later message of a named statement waits for the answer. */
static void drop_all(struct frontend *f, enum ledger_kind kind, struct slice message,
                     struct buf *out)
{
    if (push(f, kind, LEDGER_FORWARD, 0, NULL)) {
        f->backend->ledger.dropping = true;
    }
    buf_append_slice(out, message);
}

static enum rewrite_look look_at_simple(struct frontend *f, struct slice rest,
                                        const struct frame *frame, struct buf *out, size_t *done)
{
    struct client_statement *cs = NULL;

    if (frame->size > NAMES_MAX) {
        return REWRITE_PLAIN;
    }
    if (rest.n < frame->size) {
        return REWRITE_SHORT;
    }
    struct slice body = frame_body(rest, frame);
    switch (look_at_query(f, slice_head(body, body.n - 1), &cs)) {
    case MEANS_NOTHING:
        return REWRITE_PLAIN;
    case MEANS_DROP_ONE:
        deallocate_simple(f, cs, out);
        break;
    case MEANS_DROP_ALL:
        drop_all(f, LEDGER_QUERY, slice_head(rest, frame->size), out);
        break;
    case MEANS_LISTEN:
        listen_simple(f, out);
        break;
    }
    frontend_stats(f)->queries++;
    *done = frame->size;
    return REWRITE_CONCERNED;
}

/* The same as an unnamed statement; it counts as executed when it is parsed. */
static void deallocate_extended(struct frontend *f, struct client_statement *cs, struct buf *out)
{
    (void)push(f, LEDGER_CLOSE, LEDGER_INJECT, 0, NULL);
    build_close_statement(out, DEALLOCATED);
    (void)push(f, LEDGER_PARSE, LEDGER_INJECT, 0, NULL);
    build_parse(out, DEALLOCATED, "");
    (void)push(f, LEDGER_PARSE, LEDGER_FORWARD, 0, drop_one(f, cs));
    build_parse(out, "", "DEALLOCATE " DEALLOCATED);
}

static enum rewrite_look look_at_unnamed_parse(struct frontend *f, struct slice rest,
                                               const struct frame *frame, struct buf *out,
                                               size_t *done)
{
    struct client_statement *cs = NULL;
    struct parse_view view;

    if (frame->size > NAMES_MAX) {
        return REWRITE_PLAIN;
    }
    if (rest.n < frame->size) {
        return REWRITE_SHORT;
    }
    if (extended_parse(frame_body(rest, frame), &view) < 0) {
        return REWRITE_PLAIN;
    }
    switch (look_at_query(f, view.query, &cs)) {
    case MEANS_NOTHING:
        return REWRITE_PLAIN;
    case MEANS_DROP_ONE:
        deallocate_extended(f, cs, out);
        break;
    case MEANS_DROP_ALL:
        drop_all(f, LEDGER_PARSE, slice_head(rest, frame->size), out);
        break;
    case MEANS_LISTEN:
        listen_extended(f, out);
        break;
    }
    *done = frame->size;
    return REWRITE_CONCERNED;
}

/* ---- one message ---- */

static enum rewrite_look refuse_large(struct frontend *f, const struct frame *frame,
                                      struct buf *out, size_t *done)
{
    struct err err;

    (void)err_set(&err, ERR_UNSUPPORTED,
                  "a named statement may have %d bytes at most in transaction mode",
                  LIMIT_WHOLE_MESSAGE);
    fail(f, &err, out);
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
        return look_at_unnamed_parse(f, rest, frame, out, done);
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
        return rest.n < frame->size && rest.n < NAMES_MAX ? REWRITE_SHORT : REWRITE_PLAIN;
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
        return frame->size > NAMES_MAX ? REWRITE_PLAIN : REWRITE_SHORT;
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
        ours = body.p[0] != 0 || may_concern_us(slice_from(body, 1));
        break;
    case WIRE_BIND:
        ours =
            body.p[0] != 0 || body.p[1] != 0; /* else the unnamed portal of the unnamed statement */
        break;
    case WIRE_QUERY:
        ours = may_concern_us(body);
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
        return look_at_simple(f, rest, frame, out, done);
    default:
        return take_target(f, rest, frame, out, done);
    }
}
