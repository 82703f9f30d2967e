// SPDX-License-Identifier: MIT
#include "proxy/barrier.h"

#include "wire/extended.h"
#include "wire/token.h"

/* Nobody writes a longer one by mistake. */
#define STATEMENT_MAX 1024

/* The text of a Query or Parse that is whole. */
static struct slice sql_of(struct slice body, uint8_t type)
{
    struct parse_view view;

    if (type == WIRE_QUERY) {
        return body;
    }
    return extended_parse(body, &view) < 0 ? SLICE_EMPTY : view.query;
}

/* Whether the text could begin with one of the words, or with a comment. */
static bool may_begin(struct slice sql)
{
    size_t i = 0;

    while (i < sql.n && (sql.p[i] == ' ' || (sql.p[i] >= '\t' && sql.p[i] <= '\r'))) {
        i++;
    }
    return i < sql.n && memchr("dDrR/-;", sql.p[i], 7) != NULL;
}

enum barrier_look barrier_look(struct slice rest, const struct frame *frame)
{
    if ((frame->type != WIRE_QUERY && frame->type != WIRE_PARSE) || frame->size > STATEMENT_MAX) {
        return BARRIER_PASS;
    }
    if (frame->type == WIRE_QUERY && rest.n > FRAME_HEADER &&
        !may_begin(slice_from(rest, FRAME_HEADER))) {
        return BARRIER_PASS;
    }
    if (rest.n < frame->size) {
        return BARRIER_SHORT;
    }
    struct slice sql = sql_of(frame_body(rest, frame), frame->type);
    if (!may_begin(sql)) {
        return BARRIER_PASS;
    }
    struct slice verb = token_next(&sql);
    return token_is(verb, "discard") || token_is(verb, "reset") ? BARRIER_RAISE : BARRIER_PASS;
}
