// SPDX-License-Identifier: MIT
//
// A server connection in use: idle, linked, left in the middle of something, switched.
#include "backing.h"

/* ---- idle ---- */

START_TEST(an_idle_server_may_announce_something)
{
    struct scene s;
    begin(&s);
    go_to_idle(&s);

    answer(&s, "NSA");
    backend_clean(s.b, "SELECT 1"); /* what comes behind proves that it was read */
    peer_expect(s.peer, "Q");
    answer(&s, "CZI");
    loops_until_is(&s.loop, &s.ready, 2);

    ck_assert_int_eq(s.gone, 0);
    end(&s);
}
END_TEST

START_TEST(the_last_words_of_an_idle_server_are_told)
{
    struct scene s;
    struct buf out = {0};
    begin(&s);
    go_to_idle(&s);

    script_error(&out, "FATAL", "57P01", "terminating connection due to administrator command");
    peer_send_buf(s.peer, &out);
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_str_eq(err_sqlstate(&s.gone_err), "57P01");
    end(&s);
}
END_TEST

START_TEST(an_endless_message_of_an_idle_server_ends_it)
{
    static const uint8_t endless[] = {'N', 0x7f, 0xff, 0xff, 0xf0};
    struct scene s;
    begin(&s);
    go_to_idle(&s);

    peer_send(s.peer, slice_of(endless, sizeof endless));
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_int_eq(s.gone_err.code, ERR_PROTOCOL);
    end(&s);
}
END_TEST

/* ---- linked ---- */

START_TEST(what_the_user_asks_is_answered_and_then_it_is_settled)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    ck_assert_int_eq(ask(&s, "PBDES"), 0);
    peer_expect(s.peer, "PBDES");
    answer(&s, "12TDCZI");
    user_gets(&s, "12TDCZI");

    ck_assert_int_eq(s.settled, 1);
    ck_assert(backend_settled(s.b));
    end(&s);
}
END_TEST

START_TEST(within_a_transaction_it_is_at_rest_and_not_settled)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    answer(&s, "CZT");
    user_gets(&s, "CZT");

    ck_assert_int_eq(s.settled, 0);
    ck_assert_int_eq(s.rests, 1);
    end(&s);
}
END_TEST

START_TEST(a_settled_one_that_is_left_is_idle_before_leaving_returns)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    backend_unlink(s.b, NULL, false);

    ck_assert_int_eq(s.b->state, BACKEND_IDLE);
    ck_assert_int_eq(s.ready, 2);
    end(&s);
}
END_TEST

START_TEST(a_user_that_is_full_stops_the_server_until_it_resumes)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "QQ"), 0);
    peer_expect(s.peer, "QQ");
    s.full = true;

    answer(&s, "TDCZI");
    user_gets(&s, "TDCZI");
    answer(&s, "TDCZI");
    ck_assert(s.b->conn.paused);
    s.full = false;
    backend_resume(s.b);
    user_gets(&s, "TDCZITDCZI");

    end(&s);
}
END_TEST

static struct iovec piece_of(struct buf *bytes)
{
    return (struct iovec){.iov_base = bytes->p, .iov_len = bytes->len};
}

START_TEST(a_server_that_does_not_read_is_told_by_the_result_and_later_drained)
{
    struct scene s;
    struct buf query = {0};
    begin(&s);
    go_to_linked(&s);
    peer_set_deaf(s.peer, true);
    uint8_t *sql = x_zalloc(16 << 20);
    memset(sql, ' ', (16 << 20) - 1);
    script_message(&query, 'Q', sql, 16 << 20);
    struct iovec piece = piece_of(&query);
    (void)ledger_push(&s.b->ledger, LEDGER_QUERY, LEDGER_FORWARD);

    ck_assert_int_eq(backend_send(s.b, &piece, 1), 1);
    peer_set_deaf(s.peer, false);
    peer_expect(s.peer, "Q");
    loops_until_is(&s.loop, &s.drained, 1);

    answer(&s, "IZI");
    user_gets(&s, "IZI");
    buf_release(&query);
    free(sql);
    end(&s);
}
END_TEST

START_TEST(a_lost_server_is_told_with_its_own_last_words_forwarded)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");

    answer(&s, "E");
    peer_close(s.peer);
    loops_until_is(&s.loop, &s.lost, 1);

    struct buf should = {0};
    script_server(&should, "E");
    ck_assert(slice_eq(buf_slice(&s.got), buf_slice(&should)));
    buf_release(&should);
    end(&s);
}
END_TEST

/* ---- left in the middle of something ---- */

START_TEST(left_while_a_query_runs_it_is_cancelled_and_drained_and_nothing_is_told)
{
    struct scene s;
    begin(&s);
    go_to_cleaning(&s);
    ck_assert_int_eq(s.abandoned, 1);

    answer(&s, "TDDEZI");
    loops_until_is(&s.loop, &s.ready, 2);

    ck_assert_int_eq(s.b->state, BACKEND_IDLE);
    ck_assert_uint_eq(s.got.len, 0);
    end(&s);
}
END_TEST

START_TEST(left_in_a_transaction_it_is_rolled_back)
{
    static const char *const status[] = {"CZT", "EZE"};
    struct scene s;
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    answer(&s, status[_i]);
    user_gets(&s, status[_i]);

    backend_unlink(s.b, NULL, false);
    ck_assert_int_eq(s.abandoned, 0); /* nothing runs */
    ck_assert(slice_eq(peer_take(s.peer, 'Q'), slice_of("ROLLBACK", 9)));
    answer(&s, "CZI");
    loops_until_is(&s.loop, &s.ready, 2);

    end(&s);
}
END_TEST

START_TEST(left_behind_a_batch_without_sync_it_is_sent_one)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "PBE"), 0);
    peer_expect(s.peer, "PBE");

    backend_unlink(s.b, NULL, false);
    peer_expect(s.peer, "S");
    answer(&s, "12CZI");
    loops_until_is(&s.loop, &s.ready, 2);

    end(&s);
}
END_TEST

START_TEST(left_after_an_error_that_skips_to_sync_it_is_sent_one)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "PBE"), 0);
    peer_expect(s.peer, "PBE");
    answer(&s, "E");
    user_gets(&s, "E");

    backend_unlink(s.b, NULL, false);
    peer_expect(s.peer, "S");
    answer(&s, "ZI");
    loops_until_is(&s.loop, &s.ready, 2);

    end(&s);
}
END_TEST

START_TEST(left_in_the_middle_of_a_message_to_the_server_it_is_closed)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    backend_unlink(s.b, NULL, true);

    ck_assert_int_eq(s.gone, 1);
    ck_assert_int_eq(s.lost, 0);
    end(&s);
}
END_TEST

START_TEST(left_in_a_copy_it_is_closed)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    answer(&s, "G");
    user_gets(&s, "G");

    backend_unlink(s.b, NULL, false);

    ck_assert_int_eq(s.gone, 1);
    end(&s);
}
END_TEST

START_TEST(left_in_the_middle_of_a_row_the_rest_of_it_goes_nowhere)
{
    struct scene s;
    struct buf out = {0};
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    script_server(&out, "D");
    peer_send(s.peer, slice_head(buf_slice(&out), 8));
    struct bytes_fact fact = {.s = &s, .n = 8};
    loops_until(&s.loop, user_has, &fact, "half a row");

    backend_unlink(s.b, NULL, false);
    peer_send(s.peer, slice_from(buf_slice(&out), 8));
    answer(&s, "CZI");
    loops_until_is(&s.loop, &s.ready, 2);

    ck_assert_uint_eq(buf_size(&s.got), 8);
    buf_release(&out);
    end(&s);
}
END_TEST

START_TEST(a_reset_query_is_run_before_it_is_ready)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    backend_unlink(s.b, "DISCARD ALL", false);
    ck_assert_int_eq(s.ready, 1);
    ck_assert(slice_eq(peer_take(s.peer, 'Q'), slice_of("DISCARD ALL", 12)));
    answer(&s, "CZI");
    loops_until_is(&s.loop, &s.ready, 2);

    end(&s);
}
END_TEST

START_TEST(a_reset_query_waits_for_the_rollback)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    answer(&s, "CZT");
    user_gets(&s, "CZT");

    backend_unlink(s.b, "DISCARD ALL", false);
    ck_assert(slice_eq(peer_take(s.peer, 'Q'), slice_of("ROLLBACK", 9)));
    answer(&s, "CZI");
    ck_assert(slice_eq(peer_take(s.peer, 'Q'), slice_of("DISCARD ALL", 12)));
    answer(&s, "CZI");
    loops_until_is(&s.loop, &s.ready, 2);

    end(&s);
}
END_TEST

START_TEST(a_reset_query_that_fails_closes_it)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    backend_unlink(s.b, "NO SUCH QUERY", false);
    peer_expect(s.peer, "Q");
    answer(&s, "EZI");
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_str_eq(s.gone_err.text, "the reset query failed on a server connection");
    end(&s);
}
END_TEST

START_TEST(a_query_of_ours_that_leaves_a_transaction_is_rolled_back)
{
    struct scene s;
    begin(&s);
    go_to_idle(&s);

    backend_clean(s.b, "BEGIN");
    peer_expect(s.peer, "Q");
    answer(&s, "CZT");
    ck_assert(slice_eq(peer_take(s.peer, 'Q'), slice_of("ROLLBACK", 9)));
    answer(&s, "CZI");
    loops_until_is(&s.loop, &s.ready, 2);

    end(&s);
}
END_TEST

START_TEST(a_held_one_is_ready_when_its_cancels_have_ended)
{
    struct scene s;
    begin(&s);
    go_to_held(&s);
    ck_assert_int_eq(s.ready, 1);

    s.b->cancel = NULL;
    backend_cancel_ended(s.b);

    ck_assert_int_eq(s.ready, 2);
    ck_assert_int_eq(s.b->state, BACKEND_IDLE);
    end(&s);
}
END_TEST

/* ---- the switch ---- */

static void expect_switch(struct scene *s, uint32_t completes)
{
    struct context_setting setting = {slice_str("app.tenant"), slice_str("acme"), true};
    struct context *context = context_intern(&s->contexts, s, &setting, 1);

    backend_expect_switch(s->b, context, completes, false);
    context_unref(&s->contexts, context);
}

START_TEST(a_confirmed_switch_is_told_once_and_its_answers_are_not)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    expect_switch(&s, 3);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    answer(&s, "12C12DC12CTDCZI");
    user_gets(&s, "TDCZI");

    ck_assert_int_eq(s.switched, 1);
    ck_assert_ptr_nonnull(s.b->context);
    end(&s);
}
END_TEST

START_TEST(a_refused_switch_ends_the_connection_and_is_told_as_such)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    expect_switch(&s, 3);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    answer(&s, "12CE");
    loops_until_is(&s.loop, &s.switch_failed, 1);

    ck_assert_int_eq(s.lost, 0);
    ck_assert_int_eq(s.gone, 1);
    ck_assert_str_eq(err_sqlstate(&s.err), "22012");
    ck_assert_uint_eq(s.got.len, 0);
    peer_expect_end(s.peer);
    end(&s);
}
END_TEST

START_TEST(a_server_lost_within_a_switch_is_lost_and_no_refusal)
{
    struct scene s;
    begin(&s);
    go_to_linked(&s);

    expect_switch(&s, 3);
    ck_assert_int_eq(ask(&s, "Q"), 0);
    peer_expect(s.peer, "Q");
    answer(&s, "12C");
    peer_close(s.peer);
    loops_until_is(&s.loop, &s.lost, 1);

    ck_assert_int_eq(s.switch_failed, 0);
    end(&s);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("backend_use");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, an_idle_server_may_announce_something);
    tcase_add_test(all, the_last_words_of_an_idle_server_are_told);
    tcase_add_test(all, an_endless_message_of_an_idle_server_ends_it);
    tcase_add_test(all, what_the_user_asks_is_answered_and_then_it_is_settled);
    tcase_add_test(all, within_a_transaction_it_is_at_rest_and_not_settled);
    tcase_add_test(all, a_settled_one_that_is_left_is_idle_before_leaving_returns);
    tcase_add_test(all, a_user_that_is_full_stops_the_server_until_it_resumes);
    tcase_add_test(all, a_server_that_does_not_read_is_told_by_the_result_and_later_drained);
    tcase_add_test(all, a_lost_server_is_told_with_its_own_last_words_forwarded);
    tcase_add_test(all, left_while_a_query_runs_it_is_cancelled_and_drained_and_nothing_is_told);
    tcase_add_loop_test(all, left_in_a_transaction_it_is_rolled_back, 0, 2);
    tcase_add_test(all, left_behind_a_batch_without_sync_it_is_sent_one);
    tcase_add_test(all, left_after_an_error_that_skips_to_sync_it_is_sent_one);
    tcase_add_test(all, left_in_the_middle_of_a_message_to_the_server_it_is_closed);
    tcase_add_test(all, left_in_a_copy_it_is_closed);
    tcase_add_test(all, left_in_the_middle_of_a_row_the_rest_of_it_goes_nowhere);
    tcase_add_test(all, a_reset_query_is_run_before_it_is_ready);
    tcase_add_test(all, a_reset_query_waits_for_the_rollback);
    tcase_add_test(all, a_reset_query_that_fails_closes_it);
    tcase_add_test(all, a_query_of_ours_that_leaves_a_transaction_is_rolled_back);
    tcase_add_test(all, a_held_one_is_ready_when_its_cancels_have_ended);
    tcase_add_test(all, a_confirmed_switch_is_told_once_and_its_answers_are_not);
    tcase_add_test(all, a_refused_switch_ends_the_connection_and_is_told_as_such);
    tcase_add_test(all, a_server_lost_within_a_switch_is_lost_and_no_refusal);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
