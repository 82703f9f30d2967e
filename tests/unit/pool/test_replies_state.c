// SPDX-License-Identifier: MIT
//
// replies: what the walk over a server's answers leaves known of it, and what it tells.
#include <stdlib.h>

#include "base/alloc.h"
#include "probe.h"
#include "wire/build.h"

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
    ck_assert_int_eq(p.deallocated, 100);
    end(&p);
}
END_TEST

START_TEST(one_statement_deallocated_leaves_the_others)
{
    struct probe p;
    begin(&p);
    prepared_add(&p.backend.statements, 7);

    ck_assert_int_gt(complete(&p, "DEALLOCATE"), 0);

    ck_assert(prepared_use(&p.backend.statements, 7));
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

START_TEST(an_answer_is_never_made_up_within_a_message)
{
    struct buf bytes = {0};
    script_server(&bytes, "TZI");

    for (size_t at = 0; at <= bytes.len; at++) {
        struct probe p;
        begin(&p);
        sent(&p, "D");
        (void)owe(&p, LEDGER_CLOSE, LEDGER_MAKE_UP);
        sent(&p, "S");
        ck_assert_int_ge(read_bytes(&p, slice_head(buf_slice(&bytes), at)), 0);
        replies_make_up(&p.backend);
        ck_assert_int_ge(read_bytes(&p, slice_from(buf_slice(&bytes), at)), 0);
        assert_forwarded(&p, "T3ZI");
        end(&p);
    }
    buf_release(&bytes);
}
END_TEST

START_TEST(the_first_end_of_a_batch_behind_a_switch_asks_for_what_was_not_reported)
{
    struct probe p;
    begin(&p);
    switch_sent(&p, 1);
    sent(&p, "QQ");

    ck_assert_int_gt(answered(&p, "12CTDC"), 0);
    ck_assert_int_eq(p.reported, 0);
    ck_assert_int_gt(answered(&p, "ZITDCZI"), 0);

    ck_assert_int_eq(p.reported, 1);
    end(&p);
}
END_TEST

START_TEST(what_is_reported_when_the_user_has_left_is_remembered)
{
    struct probe p;
    begin(&p);
    switch_sent(&p, 1);
    sent(&p, "QQ");
    ck_assert_int_gt(answered(&p, "12CTDCZI"), 0);
    p.backend.user = NULL;

    ck_assert_int_gt(answered(&p, "CSZI"), 0);

    const struct context *context = p.backend.context;
    ck_assert_ptr_nonnull(context_find(context, slice_str("TimeZone")));
    ck_assert_ptr_nonnull(context_find(context, slice_str("app.tenant")));
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

/* Whether the client hears of a stale statement whose batch its user would send again. */
static bool hears_of_stale(const char *batch)
{
    struct probe p;
    struct buf bytes = {0};
    begin(&p);
    p.again = true;
    owe(&p, batch[0] == 'D' ? LEDGER_DESCRIBE : LEDGER_BIND, LEDGER_FORWARD)->arg = 7;
    sent(&p, batch + 1);
    script_error(&bytes, "ERROR", "0A000", "cached plan must not change result type");
    script_server(&bytes, "ZI");

    ck_assert_int_ge(read_bytes(&p, buf_slice(&bytes)), 0);

    bool heard = buf_size(&p.forwarded) > 0;
    ck_assert_int_eq(p.backend.healing, !heard);
    ck_assert(p.backend.synced);
    buf_release(&bytes);
    end(&p);
    return heard;
}

START_TEST(a_stale_statement_that_is_described_anew_is_not_heard_of)
{
    ck_assert(!hears_of_stale("BDES"));
    ck_assert(!hears_of_stale("DS"));
}
END_TEST

START_TEST(who_relies_on_an_earlier_description_hears_of_a_stale_statement)
{
    ck_assert(hears_of_stale("BES"));
    ck_assert(hears_of_stale("BEPBDES"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("replies_state");
    TCase *all = tcase_create("all");

    tcase_add_loop_test(all, the_status_of_the_last_ready_for_query_is_known, 0, 3);
    tcase_add_test(all, it_is_not_settled_while_a_batch_is_still_owed);
    tcase_add_test(all, an_error_for_which_nothing_was_asked_is_forwarded);
    tcase_add_test(all, what_is_sent_behind_an_error_is_not_waited_for);
    tcase_add_test(all, a_copy_from_the_client_is_known_until_it_ends);
    tcase_add_test(all, of_an_extended_copy_the_sync_before_its_end_is_not_answered);
    tcase_add_test(all, a_simple_copy_that_fails_early_leaves_its_end_unanswered);
    tcase_add_test(all, an_extended_copy_that_fails_is_the_last_of_its_connection);
    tcase_add_test(all, a_query_behind_a_simple_copy_has_its_own_answer);
    tcase_add_test(all, a_switch_is_swallowed_whole_and_then_in_force);
    tcase_add_loop_test(all, a_switch_refused_at_any_point_forwards_nothing, 0, 6);
    tcase_add_test(all, parameters_reported_within_a_switch_are_not_the_users);
    tcase_add_test(all, a_partial_switch_leaves_the_context_as_it_was);
    tcase_add_loop_test(all, a_tag_that_tells_of_settings_makes_the_context_unknown, 0, 3);
    tcase_add_loop_test(all, any_other_tag_leaves_the_context_known, 0, 12);
    tcase_add_loop_test(all, all_statements_are_forgotten_when_the_server_dropped_them, 0, 2);
    tcase_add_test(all, one_statement_deallocated_leaves_the_others);
    tcase_add_test(all, a_reported_parameter_is_told_and_forwarded);
    tcase_add_test(all, a_parameter_of_10_kb_in_pieces_is_told_once_and_whole);
    tcase_add_test(all, a_malformed_parameter_ends_the_connection);
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
    tcase_add_test(all, an_answer_is_never_made_up_within_a_message);
    tcase_add_test(all, the_first_end_of_a_batch_behind_a_switch_asks_for_what_was_not_reported);
    tcase_add_test(all, what_is_reported_when_the_user_has_left_is_remembered);
    tcase_add_test(all, an_answer_whose_turn_it_is_at_once_is_made_up_at_once);
    tcase_add_test(all, a_replaced_error_is_not_forwarded_and_its_place_is_told);
    tcase_add_test(all, what_stands_before_a_replaced_error_is_forwarded_before_it_is_told);
    tcase_add_test(all, a_statement_whose_columns_changed_is_told_as_stale);
    tcase_add_test(all, a_stale_statement_that_is_described_anew_is_not_heard_of);
    tcase_add_test(all, who_relies_on_an_earlier_description_hears_of_a_stale_statement);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
