// SPDX-License-Identifier: MIT
#include "proxy/rewrite_sql.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "proxy/note.h"
#include "proxy/statements.h"
#include "wire/build.h"
#include "wire/extended.h"
#include "wire/token.h"

/* Prepared in place of one that a client deallocates: the server's own is shared, and stays. */
#define DEALLOCATED "fahrend_gone"

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

/* The client's name goes when the server has done as much with another, which need not be with
 * this message: a Parse may never be executed. */
static void expect_drop(struct frontend *f, const struct client_statement *cs)
{
    free(f->doomed);
    f->doomed = cs == NULL ? NULL : x_strdup(cs->name);
    f->deallocates = true;
}

bool rewrite_sql_concerns(struct slice query)
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
    (void)note_push(f, LEDGER_QUERY, LEDGER_REPLACE, 0, note_error(&err));
    build_query(out, "LISTEN");
}

static void listen_extended(struct frontend *f, struct buf *out)
{
    struct err err;

    refuse_listen(&err);
    note_push_failure(f, &err, out);
}

/* "DEALLOCATE name": the answer to the PREPARE is swallowed. */
static void deallocate_simple(struct frontend *f, struct client_statement *cs, struct buf *out)
{
    char sql[128];
    uint32_t number =
        ++f->proxy->statements.next_dropped; /* one that failed may have left its own */

    (void)snprintf(sql, sizeof sql, "PREPARE %s_%u AS SELECT; DEALLOCATE %s_%u", DEALLOCATED,
                   number, DEALLOCATED, number);
    expect_drop(f, cs);
    (void)note_push(f, LEDGER_QUERY, LEDGER_FORWARD, 1, NULL);
    build_query(out, sql);
}

static void drop_all(struct frontend *f, enum ledger_kind kind, struct slice message,
                     struct buf *out)
{
    expect_drop(f, NULL);
    (void)note_push(f, kind, LEDGER_FORWARD, 0, NULL);
    buf_append_slice(out, message);
}

enum rewrite_look rewrite_sql_query(struct frontend *f, struct slice rest,
                                    const struct frame *frame, struct buf *out, size_t *done)
{
    struct client_statement *cs = NULL;

    if (frame->size > REWRITE_NAMES_MAX) {
        return REWRITE_PLAIN;
    }
    if (rest.n < frame->size) {
        return REWRITE_SHORT;
    }
    struct slice body = frame_body(rest, frame);
    switch (look_at_query(f, slice_head(body, body.n - 1), &cs)) {
    case MEANS_NOTHING:
        f->deallocates = false;
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

/* The same as an unnamed statement. */
static void deallocate_extended(struct frontend *f, struct client_statement *cs, struct buf *out)
{
    (void)note_push(f, LEDGER_CLOSE, LEDGER_INJECT, 0, NULL);
    build_close_statement(out, DEALLOCATED);
    (void)note_push(f, LEDGER_PARSE, LEDGER_INJECT, 0, NULL);
    build_parse(out, DEALLOCATED, "");
    expect_drop(f, cs);
    (void)note_push(f, LEDGER_PARSE, LEDGER_FORWARD, 0, NULL);
    build_parse(out, "", "DEALLOCATE " DEALLOCATED);
}

enum rewrite_look rewrite_sql_parse(struct frontend *f, struct slice rest,
                                    const struct frame *frame, struct buf *out, size_t *done)
{
    struct client_statement *cs = NULL;
    struct parse_view view;

    if (frame->size > REWRITE_NAMES_MAX) {
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
        f->deallocates = false;
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
