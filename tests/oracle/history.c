// SPDX-License-Identifier: MIT
#include "history.h"

#include <stdio.h>

static struct happening *next(struct history *history)
{
    struct happening *item = &history->items[history->count++ % HISTORY_MAX];

    *item = (struct happening){0};
    return item;
}

void history_note_request(struct history *history, const struct request *request)
{
    struct happening *item = next(history);

    item->sent = true;
    item->request = *request;
}

/* Bytes that cannot be printed become dots. */
static void copy_text(char *out, struct slice body)
{
    size_t n = body.n < HISTORY_TEXT - 1 ? body.n : HISTORY_TEXT - 1;

    for (size_t i = 0; i < n; i++) {
        out[i] = body.p[i] >= 0x20 && body.p[i] < 0x7f ? (char)body.p[i] : '.';
    }
    out[n] = '\0';
}

void history_note_message(struct history *history, uint8_t type, struct slice body)
{
    struct happening *item = next(history);

    item->type = type;
    copy_text(item->text, body);
}

void history_note_remark(struct history *history, const char *remark)
{
    copy_text(next(history)->text, slice_str(remark));
}

static const char *const request_names[] = {
    [REQUEST_QUERY] = "Query",
    [REQUEST_FUNCTION] = "FunctionCall",
    [REQUEST_PARSE] = "Parse",
    [REQUEST_BIND] = "Bind",
    [REQUEST_DESCRIBE_STATEMENT] = "Describe statement",
    [REQUEST_DESCRIBE_PORTAL] = "Describe portal",
    [REQUEST_EXECUTE] = "Execute",
    [REQUEST_CLOSE_STATEMENT] = "Close statement",
    [REQUEST_CLOSE_PORTAL] = "Close portal",
    [REQUEST_SYNC] = "Sync",
    [REQUEST_FLUSH] = "Flush",
    [REQUEST_COPY_DATA] = "CopyData",
    [REQUEST_COPY_DONE] = "CopyDone",
    [REQUEST_COPY_FAIL] = "CopyFail",
};

static void print_sql(const struct sql *sql)
{
    struct buf text = {0};

    sql_append(&text, sql, 0, false);
    buf_append_u8(&text, 0);
    fprintf(stderr, " [%.60s #%u]", (const char *)buf_slice(&text).p, sql->number);
    buf_release(&text);
}

static void print_request(const struct request *r)
{
    unsigned texts = r->type == REQUEST_QUERY ? r->count : r->type == REQUEST_PARSE ? 1 : 0;

    fprintf(stderr, "  > %s%s", r->gate ? "(all answered) " : "", request_names[r->type]);
    if (r->type >= REQUEST_PARSE && r->type <= REQUEST_CLOSE_PORTAL) {
        fprintf(stderr, " statement=\"%s\" portal=\"%s\" limit=%u number=%u%s",
                sql_statement_name(r->statement), sql_portal_name(r->portal), r->limit, r->number,
                r->broken ? " broken" : "");
    }
    for (unsigned i = 0; i < texts; i++) {
        print_sql(&r->sql[i]);
    }
    fprintf(stderr, "\n");
}

void history_print(const struct history *history)
{
    uint64_t first = history->count > HISTORY_MAX ? history->count - HISTORY_MAX : 0;

    for (uint64_t i = first; i < history->count; i++) {
        const struct happening *item = &history->items[i % HISTORY_MAX];
        if (item->sent) {
            print_request(&item->request);
        } else if (item->type != 0) {
            fprintf(stderr, "  < %c %s\n", item->type, item->text);
        } else {
            fprintf(stderr, "  . %s\n", item->text);
        }
    }
}
