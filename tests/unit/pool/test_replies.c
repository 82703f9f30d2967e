// SPDX-License-Identifier: MIT
#include "pool/replies.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "script.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/frame.h"

/* A backend without a socket, whose user writes down what it is told. */
struct probe {
    struct backend backend;
    struct context_table contexts;
    struct buf in;        /* what replies_walk left for the next time */
    struct buf forwarded; /* all bytes that the user got */
    struct buf reports;   /* "name=value;" */
    struct buf entries;   /* "answered;" or "dropped;" and the note */
    int runs;             /* calls of on_bytes */
    int deallocated;
    uint32_t stale;
    bool full; /* the user takes no more */
    struct err err;
};

static bool on_bytes(void *user, struct slice bytes)
{
    struct probe *p = user;

    p->runs++;
    buf_append_slice(&p->forwarded, bytes);
    return p->full;
}

static void on_report(void *user, struct slice name, struct slice value)
{
    struct probe *p = user;

    buf_printf(&p->reports, "%.*s=%.*s;", (int)name.n, (const char *)name.p, (int)value.n,
               (const char *)value.p);
}

static void on_entry(void *user, const struct ledger_entry *entry, bool answered)
{
    struct probe *p = user;

    buf_printf(&p->entries, "%s %s;", answered ? "answered" : "dropped", (const char *)entry->note);
}

static void on_deallocated_all(void *user)
{
    ((struct probe *)user)->deallocated++;
}

static void on_stale_statement(void *user, uint32_t number)
{
    ((struct probe *)user)->stale = number;
}

static const struct backend_user_ops user_ops = {
    .on_bytes = on_bytes,
    .on_report = on_report,
    .on_entry = on_entry,
    .on_deallocated_all = on_deallocated_all,
    .on_stale_statement = on_stale_statement,
};

static void begin(struct probe *p)
{
    *p = (struct probe){0};
    context_table_init(&p->contexts);
    p->backend.state = BACKEND_LINKED;
    p->backend.user = p;
    p->backend.user_ops = &user_ops;
    p->backend.contexts = &p->contexts;
    p->backend.status = 'I';
    ledger_init(&p->backend.ledger);
    prepared_init(&p->backend.statements);
}

static void end(struct probe *p)
{
    struct backend *b = &p->backend;

    context_unref(&p->contexts, b->context);
    context_unref(&p->contexts, b->next_context);
    ledger_fini(&b->ledger);
    prepared_clear(&b->statements);
    context_table_fini(&p->contexts);
    buf_release(&p->in);
    buf_release(&p->forwarded);
    buf_release(&p->reports);
    buf_release(&p->entries);
}

static struct ledger_entry *owe(struct probe *p, enum ledger_kind kind, enum ledger_action action)
{
    return ledger_push(&p->backend.ledger, kind, action);
}

/* What a client sent, by its letters; 'c' and 'f' end a copy. */
static void sent(struct probe *p, const char *letters)
{
    static const char letter[] = "?QFSPBDECc";

    for (const char *at = letters; *at != '\0'; at++) {
        const char *kind = strchr(letter, *at == 'f' ? 'c' : *at);
        ck_assert_ptr_nonnull(kind);
        (void)owe(p, (enum ledger_kind)(kind - letter), LEDGER_FORWARD);
    }
}

/* Our switch, which so many answers end. */
static void switch_sent(struct probe *p, uint32_t completes)
{
    struct context_setting setting = {slice_str("app.tenant"), slice_str("acme"), true};

    owe(p, LEDGER_SWITCH, LEDGER_SWALLOW)->arg = completes;
    p->backend.next_context = context_intern(&p->contexts, p, &setting, 1);
}

/* One read: what was left of the time before, and these bytes. */
static ptrdiff_t read_bytes(struct probe *p, struct slice bytes)
{
    buf_append_slice(&p->in, bytes);
    ptrdiff_t done = replies_walk(&p->backend, buf_slice(&p->in), &p->err);
    if (done > 0) {
        buf_consume(&p->in, (size_t)done);
    }
    return done;
}

static ptrdiff_t answered(struct probe *p, const char *letters)
{
    struct buf bytes = {0};

    script_server(&bytes, letters);
    ptrdiff_t done = read_bytes(p, buf_slice(&bytes));
    buf_release(&bytes);
    return done;
}

/* The user got exactly the messages of these letters. */
static void assert_forwarded(const struct probe *p, const char *letters)
{
    struct buf should = {0};

    script_server(&should, letters);
    ck_assert_msg(slice_eq(buf_slice(&p->forwarded), buf_slice(&should)),
                  "other bytes than \"%s\" were forwarded", letters);
    buf_release(&should);
}

/* ---- what may answer what ---- */

/* Letters of the messages that may come while an answer of each kind is owed. */
struct allowed {
    const char *kind; /* letter of the client's message; "" when nothing is owed */
    const char *types;
};

static const struct allowed table[] = {
    {"", "NASE"},   {"Q", "NASECDGHITZdc"},  {"F", "NASEVZ"},    {"S", "NASEZ"},
    {"P", "NASE1"}, {"B", "NASE2"},          {"D", "NASEtTn"},   {"E", "NASECDGHIsdc"},
    {"C", "NASE3"}, {"QS", "NASECDGHITZdc"}, {"PBDES", "NASE1"},
};

static void one_message(struct buf *out, char type)
{
    char letters[] = {type, type == 'Z' ? 'I' : '\0', '\0'};

    if (strchr("123nsIcCTDZENASGHdtV", type) != NULL) {
        script_server(out, letters);
    } else {
        build_empty(out, (uint8_t)type);
    }
}

START_TEST(a_message_that_is_in_place_is_taken_and_any_other_ends_the_connection)
{
    const struct allowed *row = &table[_i];

    for (int type = 1; type < 256; type++) {
        struct probe p;
        struct buf bytes = {0};
        begin(&p);
        sent(&p, row->kind);
        one_message(&bytes, (char)type);

        ptrdiff_t done = read_bytes(&p, buf_slice(&bytes));

        bool allowed = strchr(row->types, type) != NULL;
        ck_assert_msg(allowed ? done == (ptrdiff_t)buf_size(&bytes) : done == ERR_PROTOCOL,
                      "'%c' (0x%02x) where \"%s\" is owed gave %td", type, type, row->kind, done);
        ck_assert(allowed || p.forwarded.len == 0);
        buf_release(&bytes);
        end(&p);
    }
}
END_TEST

START_TEST(within_a_switch_only_its_own_answers_are_taken)
{
    for (int type = 1; type < 256; type++) {
        struct probe p;
        struct buf bytes = {0};
        begin(&p);
        switch_sent(&p, 3);
        one_message(&bytes, (char)type);

        ptrdiff_t done = read_bytes(&p, buf_slice(&bytes));

        if (type == 'E') {
            ck_assert_int_eq(done, ERR_SERVER);
        } else {
            bool allowed = strchr("12CDNAS", type) != NULL;
            ck_assert_msg(allowed ? done > 0 : done == ERR_PROTOCOL, "'%c' gave %td", type, done);
        }
        ck_assert_uint_eq(p.forwarded.len, 0);
        buf_release(&bytes);
        end(&p);
    }
}
END_TEST

START_TEST(a_message_out_of_place_is_named_in_the_error)
{
    struct probe p;
    begin(&p);
    sent(&p, "P");

    ck_assert_int_eq(answered(&p, "ZI"), ERR_PROTOCOL);

    ck_assert_str_eq(p.err.text, "server sent message 'Z' (0x5a) where parse was to be answered");
    end(&p);
}
END_TEST

START_TEST(an_impossible_length_ends_the_connection)
{
    static const uint32_t lengths[] = {0, 3, 0x7fffffffU, 0x80000000U, 0xffffffffU};
    struct probe p;
    uint8_t header[5] = {'D'};
    begin(&p);
    sent(&p, "Q");
    for (int i = 0; i < 4; i++) {
        header[1 + i] = (uint8_t)(lengths[_i] >> (24 - 8 * i));
    }

    ck_assert_int_eq(read_bytes(&p, slice_of(header, sizeof header)), ERR_PROTOCOL);

    end(&p);
}
END_TEST

START_TEST(ready_for_query_without_exactly_one_status_ends_the_connection)
{
    static const char *const bodies[] = {"", "II"};
    struct probe p;
    struct buf bytes = {0};
    begin(&p);
    sent(&p, "Q");
    script_message(&bytes, 'Z', bodies[_i], strlen(bodies[_i]));

    ck_assert_int_eq(read_bytes(&p, buf_slice(&bytes)), ERR_PROTOCOL);

    buf_release(&bytes);
    end(&p);
}
END_TEST

START_TEST(a_ready_for_query_too_many_ends_the_connection)
{
    struct probe p;
    begin(&p);
    sent(&p, "Q");

    ck_assert_int_eq(answered(&p, "CZIZI"), ERR_PROTOCOL);

    end(&p);
}
END_TEST

/* ---- usual conversations ---- */

struct conversation {
    const char *sent;
    const char *answered;
};

static const struct conversation conversations[] = {
    {"Q", "TDDCZI"},
    {"Q", "CTDCZT"},          /* several statements in one Query */
    {"Q", "IZI"},             /* an empty one */
    {"Q", "TDEZI"},           /* an error in the middle of the rows */
    {"Q", "HddcCZI"},         /* COPY to the client */
    {"Qc", "GCZI"},           /* COPY from the client */
    {"Qf", "GEZI"},           /* … that failed */
    {"F", "VZI"},             /* a function call */
    {"PBDES", "12TDCZI"},     /* the extended protocol */
    {"PBDES", "12nCZI"},      /* … of a statement without rows */
    {"PDS", "1tTZI"},         /* … Describe of a statement */
    {"PBES", "12DsZT"},       /* … a suspended portal */
    {"BEBEBES", "2C2C2CZI"},  /* … one after the other */
    {"CS", "3ZI"},            /* … Close */
    {"PBES", "EZI"},          /* an error in Parse */
    {"PBES", "1EZI"},         /* … in Bind */
    {"PBES", "12DEZI"},       /* … in Execute */
    {"PBESPBES", "EZI12CZI"}, /* … and the next batch goes on */
    {"PBEQS", "EZI"},         /* a Query behind it is skipped as well */
    {"S", "EZI"},             /* an error of the implicit commit */
    {"PBESc", "12GCZI"},      /* libpq's COPY from: Sync ignored while copying … */
    {"QQQ", "CZICZICZI"},     /* pipelined queries */
    {"Q", "NSACZI"},          /* notices, parameters, notifications between */
};

#define CONVERSATIONS ((int)(sizeof conversations / sizeof conversations[0]))

/* The Sync before the end of an extended copy is not answered, the one behind it is. */
static void send_conversation(struct probe *p, const struct conversation *c)
{
    sent(p, c->sent);
    if (strcmp(c->sent, "PBESc") == 0) {
        sent(p, "S");
    }
}

START_TEST(what_the_server_answers_is_forwarded_as_it_is)
{
    struct probe p;
    begin(&p);
    send_conversation(&p, &conversations[_i]);

    ck_assert_int_gt(answered(&p, conversations[_i].answered), 0);

    assert_forwarded(&p, conversations[_i].answered);
    ck_assert(ledger_empty(&p.backend.ledger));
    ck_assert(p.backend.synced);
    end(&p);
}
END_TEST

START_TEST(the_answers_of_one_read_are_forwarded_in_one_run)
{
    struct probe p;
    begin(&p);
    send_conversation(&p, &conversations[_i]);

    ck_assert_int_gt(answered(&p, conversations[_i].answered), 0);

    ck_assert_int_eq(p.runs, 1);
    end(&p);
}
END_TEST

/* Split in two at every byte: what is forwarded does not depend on how the bytes come. */
START_TEST(a_split_at_any_byte_changes_nothing)
{
    struct buf bytes = {0};
    script_server(&bytes, conversations[_i].answered);

    for (size_t at = 0; at <= bytes.len; at++) {
        struct probe p;
        begin(&p);
        send_conversation(&p, &conversations[_i]);
        ck_assert_int_ge(read_bytes(&p, slice_head(buf_slice(&bytes), at)), 0);
        ck_assert_int_ge(read_bytes(&p, slice_from(buf_slice(&bytes), at)), 0);
        assert_forwarded(&p, conversations[_i].answered);
        ck_assert(ledger_empty(&p.backend.ledger));
        ck_assert_uint_eq(buf_size(&p.in), 0);
        end(&p);
    }
    buf_release(&bytes);
}
END_TEST

START_TEST(bytes_one_by_one_change_nothing)
{
    struct probe p;
    struct buf bytes = {0};
    begin(&p);
    send_conversation(&p, &conversations[_i]);
    script_server(&bytes, conversations[_i].answered);

    for (size_t at = 0; at < bytes.len; at++) {
        ck_assert_int_ge(read_bytes(&p, slice_of(bytes.p + at, 1)), 0);
    }

    assert_forwarded(&p, conversations[_i].answered);
    ck_assert(ledger_empty(&p.backend.ledger));
    buf_release(&bytes);
    end(&p);
}
END_TEST

START_TEST(a_swallowed_answer_never_reaches_the_user)
{
    struct buf bytes = {0};
    script_server(&bytes, conversations[_i].answered);

    for (size_t at = 0; at <= bytes.len; at++) {
        struct probe p;
        begin(&p);
        send_conversation(&p, &conversations[_i]);
        for (uint32_t i = 0; i < p.backend.ledger.count; i++) {
            ledger_at(&p.backend.ledger, i)->action = LEDGER_SWALLOW;
        }
        ck_assert_int_ge(read_bytes(&p, slice_head(buf_slice(&bytes), at)), 0);
        ck_assert_int_ge(read_bytes(&p, slice_from(buf_slice(&bytes), at)), 0);
        assert_forwarded(&p, strchr(conversations[_i].answered, 'N') != NULL ? "NSA" : "");
        ck_assert(ledger_empty(&p.backend.ledger));
        end(&p);
    }
    buf_release(&bytes);
}
END_TEST

START_TEST(the_answers_of_many_batches_in_one_read_are_one_run)
{
    struct probe p;
    struct buf letters = {0};
    begin(&p);
    for (int i = 0; i < 100; i++) {
        sent(&p, "PBES");
        buf_append(&letters, "12DCZI", 6);
    }
    buf_append_u8(&letters, 0);

    ck_assert_int_gt(answered(&p, (const char *)letters.p), 0);

    ck_assert_int_eq(p.runs, 1);
    assert_forwarded(&p, (const char *)letters.p);
    buf_release(&letters);
    end(&p);
}
END_TEST

START_TEST(a_large_row_is_forwarded_as_it_comes_and_never_held)
{
    struct probe p;
    uint8_t piece[10000] = {'D', 0, 100, 0, 0}; /* 100 * 65536 bytes */
    size_t left = 100 * 65536 + 1;
    begin(&p);
    sent(&p, "Q");

    while (left > 0) {
        size_t n = left < sizeof piece ? left : sizeof piece;
        ck_assert_int_eq(read_bytes(&p, slice_of(piece, n)), (ptrdiff_t)n);
        ck_assert_uint_eq(buf_size(&p.in), 0);
        left -= n;
        memset(piece, 'x', sizeof piece);
        ck_assert_uint_eq(buf_size(&p.forwarded), 100 * 65536 + 1 - left);
    }
    ck_assert_int_gt(answered(&p, "CZI"), 0);

    ck_assert(ledger_empty(&p.backend.ledger));
    end(&p);
}
END_TEST

START_TEST(a_message_that_must_be_whole_has_a_bound)
{
    static const uint8_t header[] = {'C', 0x10, 0, 0, 0};
    struct probe p;
    begin(&p);
    sent(&p, "Q");

    ck_assert_int_eq(read_bytes(&p, slice_of(header, sizeof header)), ERR_PROTOCOL);

    end(&p);
}
END_TEST

START_TEST(a_user_that_is_full_pauses_the_server)
{
    struct probe p;
    begin(&p);
    sent(&p, "Q");
    p.full = true;

    ck_assert_int_gt(answered(&p, "TDD"), 0);

    ck_assert(p.backend.conn.paused);
    end(&p);
}
END_TEST

START_TEST(a_command_complete_without_a_tag_is_read_no_further_than_it_goes)
{
    static const uint8_t message[] = {'C', 0, 0, 0, 4};
    struct probe p;
    uint8_t *exactly = x_alloc(sizeof message);
    begin(&p);
    sent(&p, "Q");
    memcpy(exactly, message, sizeof message);

    ptrdiff_t done = replies_walk(&p.backend, slice_of(exactly, sizeof message), &p.err);

    ck_assert(done == ERR_PROTOCOL || done == sizeof message);
    free(exactly);
    end(&p);
}
END_TEST

/* ---- where the server stands ---- */

START_TEST(the_status_of_the_last_ready_for_query_is_known)
{
    static const char *const letters[] = {"CZI", "CZT", "EZE"};
    struct probe p;
    begin(&p);
    sent(&p, "Q");

    ck_assert_int_gt(answered(&p, letters[_i]), 0);

    ck_assert_int_eq(p.backend.status, letters[_i][2]);
    ck_assert_int_eq(backend_settled(&p.backend), letters[_i][2] == 'I');
    end(&p);
}
END_TEST

START_TEST(it_is_not_settled_while_a_batch_is_still_owed)
{
    struct probe p;
    begin(&p);
    sent(&p, "QQ");

    ck_assert_int_gt(answered(&p, "CZI"), 0);

    ck_assert(!backend_settled(&p.backend));
    end(&p);
}
END_TEST

START_TEST(an_error_for_which_nothing_was_asked_is_forwarded)
{
    struct probe p;
    begin(&p);

    ck_assert_int_gt(answered(&p, "E"), 0);

    assert_forwarded(&p, "E");
    end(&p);
}
END_TEST

START_TEST(what_is_sent_behind_an_error_is_not_waited_for)
{
    struct probe p;
    begin(&p);
    sent(&p, "PBE"); /* no Sync yet */
    ck_assert_int_gt(answered(&p, "E"), 0);

    sent(&p, "PBEQ"); /* the server skips them */
    ck_assert(ledger_empty(&p.backend.ledger));
    sent(&p, "S");
    ck_assert_int_gt(answered(&p, "ZI"), 0);

    ck_assert(backend_settled(&p.backend));
    end(&p);
}
END_TEST

/* ---- COPY ---- */

START_TEST(a_copy_from_the_client_is_known_until_it_ends)
{
    struct probe p;
    begin(&p);
    sent(&p, "Q");

    ck_assert_int_gt(answered(&p, "G"), 0);
    ck_assert(p.backend.copy_in);
    sent(&p, "c");
    ck_assert_int_gt(answered(&p, "C"), 0);

    ck_assert(!p.backend.copy_in);
    ck_assert_int_gt(answered(&p, "ZI"), 0);
    ck_assert(backend_settled(&p.backend));
    end(&p);
}
END_TEST

START_TEST(of_an_extended_copy_the_sync_before_its_end_is_not_answered)
{
    struct probe p;
    begin(&p);
    sent(&p, "PBES");
    ck_assert_int_gt(answered(&p, "12G"), 0);

    sent(&p, "cS");
    ck_assert_int_gt(answered(&p, "CZI"), 0);

    ck_assert(ledger_empty(&p.backend.ledger));
    ck_assert(!p.backend.close_when_free);
    end(&p);
}
END_TEST

START_TEST(a_simple_copy_that_fails_early_leaves_its_end_unanswered)
{
    struct probe p;
    begin(&p);
    sent(&p, "Q");
    ck_assert_int_gt(answered(&p, "GEZI"), 0);
    ck_assert(!p.backend.copy_in);

    sent(&p, "cQ"); /* the end was on its way already */
    ck_assert_int_gt(answered(&p, "CZI"), 0);

    ck_assert(backend_settled(&p.backend));
    end(&p);
}
END_TEST

/* Whether the Sync before the data was read cannot be known: the connection is not used again. */
START_TEST(an_extended_copy_that_fails_is_the_last_of_its_connection)
{
    struct probe p;
    begin(&p);
    sent(&p, "PBES");
    ck_assert_int_gt(answered(&p, "12GE"), 0);
    sent(&p, "fS");

    ck_assert_int_gt(answered(&p, "ZI"), 0);

    ck_assert(p.backend.close_when_free);
    ck_assert(ledger_empty(&p.backend.ledger));
    end(&p);
}
END_TEST

START_TEST(a_query_behind_a_simple_copy_has_its_own_answer)
{
    struct probe p;
    begin(&p);
    sent(&p, "QcQ");

    ck_assert_int_gt(answered(&p, "GCZITDCZI"), 0);

    ck_assert(backend_settled(&p.backend));
    end(&p);
}
END_TEST

/* ---- the switch ---- */

START_TEST(a_switch_is_swallowed_whole_and_then_in_force)
{
    struct buf bytes = {0};
    script_server(&bytes, "12C12DC12C");
    size_t own = bytes.len;
    script_server(&bytes, "12CZI");

    for (size_t at = 0; at <= bytes.len; at++) {
        struct probe p;
        begin(&p);
        switch_sent(&p, 3);
        sent(&p, "PBES");
        ck_assert_int_ge(read_bytes(&p, slice_head(buf_slice(&bytes), at)), 0);
        ck_assert_int_eq(p.backend.switched, at >= own);
        ck_assert_int_ge(read_bytes(&p, slice_from(buf_slice(&bytes), at)), 0);
        assert_forwarded(&p, "12CZI");
        ck_assert_ptr_nonnull(p.backend.context);
        ck_assert(p.backend.context->proven);
        ck_assert_ptr_null(p.backend.next_context);
        end(&p);
    }
    buf_release(&bytes);
}
END_TEST

START_TEST(a_switch_refused_at_any_point_forwards_nothing)
{
    static const char *const points[] = {"E", "1E", "12E", "12CE", "12C12DE", "12C12DC12E"};
    struct buf bytes = {0};
    script_server(&bytes, points[_i]);
    size_t refused = bytes.len;
    script_server(&bytes, "TDCZI"); /* what a server never sends then */

    for (size_t at = 0; at <= bytes.len; at++) {
        struct probe p;
        begin(&p);
        switch_sent(&p, 3);
        sent(&p, "Q");
        ptrdiff_t first = read_bytes(&p, slice_head(buf_slice(&bytes), at));
        ck_assert_int_eq(first == ERR_SERVER, at >= refused);
        if (first >= 0) {
            ptrdiff_t second = read_bytes(&p, slice_from(buf_slice(&bytes), at));
            ck_assert_int_eq(second, ERR_SERVER);
        }
        ck_assert_uint_eq(p.forwarded.len, 0);
        ck_assert_str_eq(p.err.sqlstate, "22012");
        ck_assert_ptr_null(p.backend.context);
        end(&p);
    }
    buf_release(&bytes);
}
END_TEST

START_TEST(parameters_reported_within_a_switch_are_not_the_users)
{
    struct probe p;
    begin(&p);
    switch_sent(&p, 3);
    sent(&p, "Q");

    ck_assert_int_gt(answered(&p, "12C12DSC12CTDCZI"), 0);

    ck_assert_uint_eq(p.reports.len, 0);
    assert_forwarded(&p, "TDCZI");
    end(&p);
}
END_TEST

START_TEST(a_partial_switch_leaves_the_context_as_it_was)
{
    struct probe p;
    begin(&p);
    switch_sent(&p, 3);
    p.backend.switch_partial = true;
    p.backend.fixed_unknown = true;
    p.backend.context_unknown = true;

    ck_assert_int_gt(answered(&p, "12C12DC12C"), 0);

    ck_assert_ptr_null(p.backend.context);
    ck_assert(p.backend.context_unknown);
    ck_assert(!p.backend.fixed_unknown);
    end(&p);
}
END_TEST

/* ---- what a user may have changed ---- */

static ptrdiff_t complete(struct probe *p, const char *tag)
{
    struct buf bytes = {0};

    sent(p, "Q");
    build_command_complete(&bytes, tag);
    build_ready(&bytes, 'I');
    ptrdiff_t done = read_bytes(p, buf_slice(&bytes));
    buf_release(&bytes);
    return done;
}

START_TEST(a_tag_that_tells_of_settings_makes_the_context_unknown)
{
    static const char *const tags[] = {"SET", "RESET", "DISCARD ALL"};
    struct probe p;
    begin(&p);

    ck_assert_int_gt(complete(&p, tags[_i]), 0);

    ck_assert(p.backend.context_unknown);
    ck_assert(p.backend.fixed_unknown);
    end(&p);
}
END_TEST

START_TEST(any_other_tag_leaves_the_context_known)
{
    static const char *const tags[] = {
        "SELECT 1",   "SETTLE",   "SET CONSTRAINTS", "DISCARD",    "DISCARD TEMP",
        "DEALLOCATE", "RESETTLE", "DEALLOCATE ALL",  "INSERT 0 1", "DELETE 100",
        "S",          ""};
    struct probe p;
    begin(&p);

    ck_assert_int_gt(complete(&p, tags[_i]), 0);

    ck_assert(!p.backend.context_unknown);
    end(&p);
}
END_TEST

START_TEST(all_statements_are_forgotten_when_the_server_dropped_them)
{
    static const char *const tags[] = {"DEALLOCATE ALL", "DISCARD ALL"};
    struct probe p;
    begin(&p);
    p.backend.prepared = 3;
    prepared_add(&p.backend.statements, 7);

    ck_assert_int_gt(complete(&p, tags[_i]), 0);

    ck_assert_uint_eq(p.backend.prepared, 0);
    ck_assert(!prepared_use(&p.backend.statements, 7));
    ck_assert_int_eq(p.deallocated, 1);
    end(&p);
}
END_TEST

START_TEST(a_reported_parameter_is_told_and_forwarded)
{
    struct probe p;
    begin(&p);
    sent(&p, "Q");

    ck_assert_int_gt(answered(&p, "SCZI"), 0);

    ck_assert_slice_str(buf_slice(&p.reports), "TimeZone=UTC;");
    assert_forwarded(&p, "SCZI");
    end(&p);
}
END_TEST

START_TEST(a_parameter_of_10_kb_in_pieces_is_told_once_and_whole)
{
    struct probe p;
    struct buf bytes = {0};
    char *value = x_alloc(10240 + 1);
    begin(&p);
    sent(&p, "Q");
    memset(value, 'v', 10240);
    value[10240] = '\0';
    build_parameter_status(&bytes, slice_str("search_path"), slice_str(value));

    for (size_t at = 0; at < bytes.len; at += 1000) {
        size_t n = bytes.len - at < 1000 ? bytes.len - at : 1000;
        ck_assert_int_ge(read_bytes(&p, slice_of(bytes.p + at, n)), 0);
    }

    ck_assert_uint_eq(buf_size(&p.reports), strlen("search_path=;") + 10240);
    ck_assert(slice_eq(buf_slice(&p.forwarded), buf_slice(&bytes)));
    ck_assert_int_eq(p.runs, 1);
    buf_release(&bytes);
    free(value);
    end(&p);
}
END_TEST

START_TEST(a_malformed_parameter_ends_the_connection)
{
    struct probe p;
    struct buf bytes = {0};
    begin(&p);
    sent(&p, "Q");
    script_message(&bytes, 'S', "TimeZone\0UTC", 12); /* without the last terminator */

    ck_assert_int_eq(read_bytes(&p, buf_slice(&bytes)), ERR_PROTOCOL);

    buf_release(&bytes);
    end(&p);
}
END_TEST

/* ---- entries with a note, made-up and replaced answers ---- */

static void note(struct probe *p, enum ledger_kind kind, enum ledger_action action,
                 const char *text)
{
    owe(p, kind, action)->note = (void *)(uintptr_t)text;
}

START_TEST(a_noted_entry_is_told_when_it_is_answered)
{
    struct probe p;
    begin(&p);
    note(&p, LEDGER_PARSE, LEDGER_FORWARD, "first");
    note(&p, LEDGER_PARSE, LEDGER_SWALLOW, "second");

    ck_assert_int_gt(answered(&p, "11"), 0);

    ck_assert_slice_str(buf_slice(&p.entries), "answered first;answered second;");
    assert_forwarded(&p, "1");
    end(&p);
}
END_TEST

START_TEST(noted_entries_behind_an_error_are_dropped_the_latest_first)
{
    struct probe p;
    begin(&p);
    note(&p, LEDGER_PARSE, LEDGER_FORWARD, "first");
    note(&p, LEDGER_PARSE, LEDGER_FORWARD, "second");
    note(&p, LEDGER_CLOSE, LEDGER_MAKE_UP, "third");
    sent(&p, "S");

    ck_assert_int_gt(answered(&p, "EZI"), 0);

    ck_assert_slice_str(buf_slice(&p.entries), "dropped third;dropped second;dropped first;");
    assert_forwarded(&p, "EZI");
    end(&p);
}
END_TEST

START_TEST(a_statement_whose_parse_was_dropped_is_not_on_the_server)
{
    struct probe p;
    begin(&p);
    owe(&p, LEDGER_PARSE, LEDGER_FORWARD)->arg = 7;
    prepared_add(&p.backend.statements, 7);
    sent(&p, "S");

    ck_assert_int_gt(answered(&p, "EZI"), 0);

    ck_assert(!prepared_use(&p.backend.statements, 7));
    end(&p);
}
END_TEST

START_TEST(a_statement_whose_close_was_dropped_is_still_on_the_server)
{
    struct probe p;
    begin(&p);
    sent(&p, "B");
    owe(&p, LEDGER_CLOSE, LEDGER_INJECT)->arg = 7;
    sent(&p, "S");

    ck_assert_int_gt(answered(&p, "EZI"), 0);

    ck_assert(prepared_use(&p.backend.statements, 7));
    end(&p);
}
END_TEST

START_TEST(what_became_of_a_statement_is_undone_the_latest_first)
{
    struct probe p;
    begin(&p);
    sent(&p, "B");
    owe(&p, LEDGER_PARSE, LEDGER_INJECT)->arg = 7;
    owe(&p, LEDGER_CLOSE, LEDGER_INJECT)->arg = 7;
    sent(&p, "S");

    ck_assert_int_gt(answered(&p, "EZI"), 0);

    ck_assert(!prepared_use(&p.backend.statements, 7));
    end(&p);
}
END_TEST

START_TEST(an_error_of_what_was_asked_for_the_users_sake_is_the_users)
{
    struct probe p;
    begin(&p);
    (void)owe(&p, LEDGER_PARSE, LEDGER_INJECT);
    sent(&p, "BES");

    ck_assert_int_gt(answered(&p, "EZI"), 0);

    assert_forwarded(&p, "EZI");
    end(&p);
}
END_TEST

START_TEST(the_first_tags_of_a_query_of_ours_are_swallowed)
{
    struct probe p;
    begin(&p);
    owe(&p, LEDGER_QUERY, LEDGER_FORWARD)->arg = 1;

    ck_assert_int_gt(answered(&p, "CCZI"), 0);

    assert_forwarded(&p, "CZI");
    end(&p);
}
END_TEST

START_TEST(a_query_that_failed_is_told_as_dropped)
{
    struct probe p;
    begin(&p);
    note(&p, LEDGER_QUERY, LEDGER_FORWARD, "query");

    ck_assert_int_gt(answered(&p, "EZI"), 0);

    ck_assert_slice_str(buf_slice(&p.entries), "dropped query;");
    assert_forwarded(&p, "EZI");
    end(&p);
}
END_TEST

START_TEST(the_error_of_a_query_is_replaced_and_its_end_is_forwarded)
{
    struct probe p;
    begin(&p);
    note(&p, LEDGER_QUERY, LEDGER_REPLACE, "ours");

    ck_assert_int_gt(answered(&p, "EZT"), 0);

    ck_assert_slice_str(buf_slice(&p.entries), "answered ours;");
    assert_forwarded(&p, "ZT");
    end(&p);
}
END_TEST

START_TEST(an_answer_is_made_up_when_its_turn_comes)
{
    struct probe p;
    begin(&p);
    sent(&p, "B");
    (void)owe(&p, LEDGER_PARSE, LEDGER_MAKE_UP);
    (void)owe(&p, LEDGER_CLOSE, LEDGER_MAKE_UP);
    sent(&p, "ES");

    ck_assert_int_gt(answered(&p, "2CZI"), 0);

    assert_forwarded(&p, "213CZI");
    end(&p);
}
END_TEST

START_TEST(an_answer_whose_turn_it_is_at_once_is_made_up_at_once)
{
    struct probe p;
    begin(&p);
    (void)owe(&p, LEDGER_PARSE, LEDGER_MAKE_UP);
    sent(&p, "BES");

    replies_make_up(&p.backend);

    assert_forwarded(&p, "1");
    ck_assert_int_gt(answered(&p, "2CZI"), 0);
    assert_forwarded(&p, "12CZI");
    end(&p);
}
END_TEST

START_TEST(a_replaced_error_is_not_forwarded_and_its_place_is_told)
{
    struct probe p;
    begin(&p);
    sent(&p, "P");
    note(&p, LEDGER_BIND, LEDGER_REPLACE, "ours");
    sent(&p, "ES");

    ck_assert_int_gt(answered(&p, "1EZI"), 0);

    ck_assert_slice_str(buf_slice(&p.entries), "answered ours;");
    assert_forwarded(&p, "1ZI");
    end(&p);
}
END_TEST

START_TEST(what_stands_before_a_replaced_error_is_forwarded_before_it_is_told)
{
    struct probe p;
    begin(&p);
    sent(&p, "P");
    note(&p, LEDGER_BIND, LEDGER_REPLACE, "ours");
    sent(&p, "S");
    struct buf bytes = {0};
    script_server(&bytes, "1E");

    ck_assert_int_gt(read_bytes(&p, buf_slice(&bytes)), 0);

    ck_assert_int_eq(p.runs, 1);
    assert_forwarded(&p, "1");
    buf_release(&bytes);
    end(&p);
}
END_TEST

START_TEST(a_statement_whose_columns_changed_is_told_as_stale)
{
    struct buf bytes = {0};
    script_error(&bytes, "ERROR", "0A000", "cached plan must not change result type");

    for (size_t at = 0; at <= bytes.len; at++) {
        struct probe p;
        begin(&p);
        owe(&p, LEDGER_BIND, LEDGER_FORWARD)->arg = 7;
        sent(&p, "ES");
        ck_assert_int_ge(read_bytes(&p, slice_head(buf_slice(&bytes), at)), 0);
        ck_assert_int_ge(read_bytes(&p, slice_from(buf_slice(&bytes), at)), 0);
        ck_assert_uint_eq(p.stale, 7);
        ck_assert(slice_eq(buf_slice(&p.forwarded), buf_slice(&bytes)));
        end(&p);
    }
    buf_release(&bytes);
}
END_TEST

static void add_conversations(TCase *all)
{
    tcase_add_loop_test(all, what_the_server_answers_is_forwarded_as_it_is, 0, CONVERSATIONS);
    tcase_add_loop_test(all, the_answers_of_one_read_are_forwarded_in_one_run, 0, CONVERSATIONS);
    tcase_add_loop_test(all, a_split_at_any_byte_changes_nothing, 0, CONVERSATIONS);
    tcase_add_loop_test(all, bytes_one_by_one_change_nothing, 0, CONVERSATIONS);
    tcase_add_loop_test(all, a_swallowed_answer_never_reaches_the_user, 0, CONVERSATIONS);
}

static void add_states(TCase *all)
{
    tcase_add_loop_test(all, the_status_of_the_last_ready_for_query_is_known, 0, 3);
    tcase_add_test(all, it_is_not_settled_while_a_batch_is_still_owed);
    tcase_add_test(all, an_error_for_which_nothing_was_asked_is_forwarded);
    tcase_add_test(all, what_is_sent_behind_an_error_is_not_waited_for);
    tcase_add_test(all, a_copy_from_the_client_is_known_until_it_ends);
    tcase_add_test(all, of_an_extended_copy_the_sync_before_its_end_is_not_answered);
    tcase_add_test(all, a_simple_copy_that_fails_early_leaves_its_end_unanswered);
    tcase_add_test(all, an_extended_copy_that_fails_is_the_last_of_its_connection);
    tcase_add_test(all, a_query_behind_a_simple_copy_has_its_own_answer);
}

static void add_context(TCase *all)
{
    tcase_add_test(all, a_switch_is_swallowed_whole_and_then_in_force);
    tcase_add_loop_test(all, a_switch_refused_at_any_point_forwards_nothing, 0, 6);
    tcase_add_test(all, parameters_reported_within_a_switch_are_not_the_users);
    tcase_add_test(all, a_partial_switch_leaves_the_context_as_it_was);
    tcase_add_loop_test(all, a_tag_that_tells_of_settings_makes_the_context_unknown, 0, 3);
    tcase_add_loop_test(all, any_other_tag_leaves_the_context_known, 0, 12);
    tcase_add_loop_test(all, all_statements_are_forgotten_when_the_server_dropped_them, 0, 2);
    tcase_add_test(all, a_reported_parameter_is_told_and_forwarded);
    tcase_add_test(all, a_parameter_of_10_kb_in_pieces_is_told_once_and_whole);
    tcase_add_test(all, a_malformed_parameter_ends_the_connection);
}

static void add_notes(TCase *all)
{
    tcase_add_test(all, a_noted_entry_is_told_when_it_is_answered);
    tcase_add_test(all, noted_entries_behind_an_error_are_dropped_the_latest_first);
    tcase_add_test(all, a_statement_whose_parse_was_dropped_is_not_on_the_server);
    tcase_add_test(all, a_statement_whose_close_was_dropped_is_still_on_the_server);
    tcase_add_test(all, what_became_of_a_statement_is_undone_the_latest_first);
    tcase_add_test(all, an_error_of_what_was_asked_for_the_users_sake_is_the_users);
    tcase_add_test(all, the_first_tags_of_a_query_of_ours_are_swallowed);
    tcase_add_test(all, a_query_that_failed_is_told_as_dropped);
    tcase_add_test(all, the_error_of_a_query_is_replaced_and_its_end_is_forwarded);
    tcase_add_test(all, an_answer_is_made_up_when_its_turn_comes);
    tcase_add_test(all, an_answer_whose_turn_it_is_at_once_is_made_up_at_once);
    tcase_add_test(all, a_replaced_error_is_not_forwarded_and_its_place_is_told);
    tcase_add_test(all, what_stands_before_a_replaced_error_is_forwarded_before_it_is_told);
    tcase_add_test(all, a_statement_whose_columns_changed_is_told_as_stale);
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("replies");
    TCase *all = tcase_create("all");

    tcase_add_loop_test(all, a_message_that_is_in_place_is_taken_and_any_other_ends_the_connection,
                        0, (int)(sizeof table / sizeof table[0]));
    tcase_add_test(all, within_a_switch_only_its_own_answers_are_taken);
    tcase_add_test(all, a_message_out_of_place_is_named_in_the_error);
    tcase_add_loop_test(all, an_impossible_length_ends_the_connection, 0, 5);
    tcase_add_loop_test(all, ready_for_query_without_exactly_one_status_ends_the_connection, 0, 2);
    tcase_add_test(all, a_ready_for_query_too_many_ends_the_connection);
    tcase_add_test(all, the_answers_of_many_batches_in_one_read_are_one_run);
    tcase_add_test(all, a_large_row_is_forwarded_as_it_comes_and_never_held);
    tcase_add_test(all, a_message_that_must_be_whole_has_a_bound);
    tcase_add_test(all, a_user_that_is_full_pauses_the_server);
    tcase_add_test(all, a_command_complete_without_a_tag_is_read_no_further_than_it_goes);
    add_conversations(all);
    add_states(all);
    add_context(all);
    add_notes(all);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
