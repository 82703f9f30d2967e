// SPDX-License-Identifier: MIT
#include "pool/replies.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "probe.h"
#include "wire/build.h"

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
    tcase_add_loop_test(all, what_the_server_answers_is_forwarded_as_it_is, 0, CONVERSATIONS);
    tcase_add_loop_test(all, the_answers_of_one_read_are_forwarded_in_one_run, 0, CONVERSATIONS);
    tcase_add_loop_test(all, a_split_at_any_byte_changes_nothing, 0, CONVERSATIONS);
    tcase_add_loop_test(all, bytes_one_by_one_change_nothing, 0, CONVERSATIONS);
    tcase_add_loop_test(all, a_swallowed_answer_never_reaches_the_user, 0, CONVERSATIONS);
    tcase_add_test(all, the_answers_of_many_batches_in_one_read_are_one_run);
    tcase_add_test(all, a_large_row_is_forwarded_as_it_comes_and_never_held);
    tcase_add_test(all, a_message_that_must_be_whole_has_a_bound);
    tcase_add_test(all, a_user_that_is_full_pauses_the_server);
    tcase_add_test(all, a_command_complete_without_a_tag_is_read_no_further_than_it_goes);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
