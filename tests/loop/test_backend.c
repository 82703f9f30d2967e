// SPDX-License-Identifier: MIT
//
// A server connection: its end in every state, and its login.
#include "auth/scram_server.h"
#include "backing.h"
#include "wire/build.h"
#include "wire/cursor.h"

/* ---- the end, in every state ---- */

START_TEST(it_can_be_closed_in_every_state)
{
    struct scene s;
    begin(&s);
    ways[_i](&s);
    ck_assert_int_eq(s.b->state, _i);

    backend_close(s.b, NULL);
    backend_close(s.b, NULL);

    ck_assert_int_eq(s.gone, 1);
    ck_assert_int_eq(s.freed, 0);
    ck_assert_int_eq(s.gone_in_login, _i == BACKEND_CONNECTING || _i == BACKEND_LOGIN);
    ck_assert_int_eq(s.lost, _i == BACKEND_LINKED);
    ck_assert_int_eq(s.gone_err.code, 0);
    end(&s);
}
END_TEST

START_TEST(a_server_that_goes_away_is_noticed_in_every_state)
{
    struct scene s;
    begin(&s);
    ways[_i](&s);

    peer_drop(s.peer);
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_int_eq(s.gone_in_login, _i == BACKEND_LOGIN);
    ck_assert_int_eq(s.lost, _i == BACKEND_LINKED);
    ck_assert_str_eq(err_sqlstate(&s.gone_err), "08006");
    end(&s);
}
END_TEST

START_TEST(a_message_of_an_impossible_length_ends_it_in_every_state)
{
    static const uint8_t bad[] = {'N', 0, 0, 0, 3};
    struct scene s;
    begin(&s);
    ways[_i](&s);

    peer_send(s.peer, slice_of(bad, sizeof bad));
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_int_eq(s.gone_err.code, ERR_PROTOCOL);
    ck_assert_int_eq(s.lost, _i == BACKEND_LINKED);
    end(&s);
}
END_TEST

START_TEST(an_unexpected_message_ends_it_in_every_state)
{
    struct scene s;
    begin(&s);
    ways[_i](&s);

    answer(&s, "2");
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_int_eq(s.gone_err.code, ERR_PROTOCOL);
    end(&s);
}
END_TEST

START_TEST(a_terminate_is_said_where_the_server_waits_for_a_message)
{
    static const enum backend_state states[] = {BACKEND_IDLE, BACKEND_LINKED, BACKEND_HELD};
    struct scene s;
    begin(&s);
    ways[states[_i]](&s);

    backend_close(s.b, NULL);
    peer_expect(s.peer, "X");
    peer_expect_end(s.peer);

    end(&s);
}
END_TEST

START_TEST(nothing_is_said_where_the_server_does_not_wait_for_a_message)
{
    static const enum backend_state states[] = {BACKEND_LOGIN, BACKEND_CLEANING};
    struct scene s;
    begin(&s);
    ways[states[_i]](&s);

    backend_close(s.b, NULL);
    peer_expect_end(s.peer);

    end(&s);
}
END_TEST

START_TEST(a_name_is_known_for_every_state)
{
    for (int state = 0; state < BACKEND_STATES; state++) {
        ck_assert_ptr_nonnull(backend_state_name((enum backend_state)state));
    }
}
END_TEST

/* ---- login ---- */

START_TEST(after_its_login_it_is_ready_once)
{
    struct scene s;
    begin(&s);

    go_to_idle(&s);

    ck_assert_int_eq(s.ready, 1);
    ck_assert_uint_eq(s.b->pid, 4711);
    ck_assert_slice_str(s.b->key, "k711");
    ck_assert_uint_gt(buf_size(&s.b->parameters.messages), 0);
    end(&s);
}
END_TEST

START_TEST(a_password_is_given_where_the_server_asks)
{
    struct scene s;
    struct buf out = {0};
    begin_with(&s, "secret", 10000);
    go_to_login(&s);

    build_auth(&out, WIRE_AUTH_CLEARTEXT, SLICE_EMPTY);
    peer_send_buf(s.peer, &out);
    ck_assert(slice_eq(peer_take(s.peer, 'p'), slice_of("secret", 7)));
    server_build_greeting(&out, 1);
    peer_send_buf(s.peer, &out);
    until_state(&s, BACKEND_IDLE);

    end(&s);
}
END_TEST

START_TEST(an_md5_request_is_answered)
{
    struct scene s;
    struct buf out = {0};
    char stored[MD5_WORD + 1];
    char word[MD5_WORD + 1];
    ck_assert_int_eq(md5_store(slice_str("secret"), slice_str("app"), stored), 0);
    ck_assert_int_eq(md5_answer(stored, (const uint8_t *)"salt", word), 0);
    begin_with(&s, "secret", 10000);
    go_to_login(&s);

    build_auth(&out, WIRE_AUTH_MD5, slice_str("salt"));
    peer_send_buf(s.peer, &out);
    ck_assert(slice_eq(peer_take(s.peer, 'p'), slice_of(word, sizeof word)));
    server_build_greeting(&out, 1);
    peer_send_buf(s.peer, &out);
    until_state(&s, BACKEND_IDLE);

    end(&s);
}
END_TEST

/* The server's side of a SCRAM exchange, up to its proof. */
static void play_scram(struct scene *s, const struct verifier *verifier)
{
    char nonce[SCRAM_NONCE + 1];
    struct scram_server machine;
    struct buf out = {0};
    struct buf data = {0};
    struct err err;

    scram_random_nonce(nonce);
    struct scram_server_options options = {.verifier = verifier, .nonce = slice_str(nonce)};
    scram_server_init(&machine, &options);
    build_auth(&out, WIRE_AUTH_SASL, slice_of("SCRAM-SHA-256\0", 15));
    peer_send_buf(s->peer, &out);
    struct cursor c = cursor_of(peer_take(s->peer, 'p'));
    (void)cursor_cstr(&c);
    (void)cursor_be32(&c);
    ck_assert_int_eq(scram_server_first(&machine, c.left, &data, &err), 0);
    build_auth(&out, WIRE_AUTH_SASL_CONTINUE, buf_slice(&data));
    peer_send_buf(s->peer, &out);
    buf_clear(&data);
    ck_assert_int_eq(scram_server_final(&machine, peer_take(s->peer, 'p'), &data, &err), 0);
    build_auth(&out, WIRE_AUTH_SASL_FINAL, buf_slice(&data));
    peer_send_buf(s->peer, &out);
    buf_release(&data);
    scram_server_fini(&machine);
}

START_TEST(scram_proves_both_sides)
{
    struct scene s;
    struct verifier v;
    struct buf out = {0};
    verifier_build(&v, slice_str("secret"), slice_str("saltsaltsaltsalt"), 4096);
    begin_with(&s, "secret", 10000);
    go_to_login(&s);

    play_scram(&s, &v);
    server_build_greeting(&out, 1);
    peer_send_buf(s.peer, &out);
    until_state(&s, BACKEND_IDLE);

    verifier_fini(&v);
    end(&s);
}
END_TEST

START_TEST(it_can_be_closed_while_its_keys_are_derived)
{
    struct scene s;
    struct buf out = {0};
    begin_with(&s, "secret", 10000);
    go_to_login(&s);
    build_auth(&out, WIRE_AUTH_SASL, slice_of("SCRAM-SHA-256\0", 15));
    peer_send_buf(s.peer, &out);
    struct cursor c = cursor_of(peer_take(s.peer, 'p'));
    (void)cursor_cstr(&c);
    (void)cursor_be32(&c);
    ck_assert_uint_gt(c.left.n, 5);
    struct buf first = {0};
    buf_append(&first, "r=", 2);
    buf_append_slice(&first, slice_from(c.left, 8)); /* behind "n,,n=,r=" */
    buf_printf(&first, "more,s=c2FsdA==,i=100000");
    build_auth(&out, WIRE_AUTH_SASL_CONTINUE, buf_slice(&first));
    buf_release(&first);
    size_t before = s.b->stats.bytes_in;
    peer_send_buf(s.peer, &out);
    while (s.b->stats.bytes_in == before) {
        loop_turn(&s.loop, true);
    }

    backend_close(s.b, NULL);

    end(&s);
    ck_assert_int_eq(s.ready, 0);
}
END_TEST

START_TEST(a_server_that_never_answers_the_login_is_left_after_the_timeout)
{
    struct scene s;
    begin_with(&s, NULL, 40);

    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert(s.gone_in_login);
    ck_assert_str_eq(s.gone_err.text, "server login timed out");
    end(&s);
}
END_TEST

START_TEST(a_refused_login_is_told_in_the_servers_words)
{
    struct scene s;
    struct buf out = {0};
    begin(&s);
    go_to_login(&s);

    script_error(&out, "FATAL", "53300", "sorry, too many clients already");
    peer_send_buf(s.peer, &out);
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_str_eq(err_sqlstate(&s.gone_err), "53300");
    ck_assert_str_eq(s.gone_err.text, "sorry, too many clients already");
    end(&s);
}
END_TEST

START_TEST(what_follows_the_login_in_the_same_read_is_read)
{
    struct scene s;
    struct buf out = {0};
    begin(&s);
    go_to_login(&s);

    server_build_greeting(&out, 1);
    script_error(&out, "FATAL", "57P01", "terminating connection");
    peer_send_buf(s.peer, &out);
    peer_drop(s.peer);
    loops_until_is(&s.loop, &s.gone, 1);

    ck_assert_str_eq(err_sqlstate(&s.gone_err), "57P01");
    end(&s);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("backend");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_loop_test(all, it_can_be_closed_in_every_state, 0, BACKEND_STATES);
    tcase_add_loop_test(all, a_server_that_goes_away_is_noticed_in_every_state, BACKEND_LOGIN,
                        BACKEND_CLOSED);
    tcase_add_loop_test(all, a_message_of_an_impossible_length_ends_it_in_every_state,
                        BACKEND_LOGIN, BACKEND_CLOSED);
    tcase_add_loop_test(all, an_unexpected_message_ends_it_in_every_state, BACKEND_LOGIN,
                        BACKEND_CLOSED);
    tcase_add_loop_test(all, a_terminate_is_said_where_the_server_waits_for_a_message, 0, 3);
    tcase_add_loop_test(all, nothing_is_said_where_the_server_does_not_wait_for_a_message, 0, 2);
    tcase_add_test(all, a_name_is_known_for_every_state);
    tcase_add_test(all, after_its_login_it_is_ready_once);
    tcase_add_test(all, a_password_is_given_where_the_server_asks);
    tcase_add_test(all, an_md5_request_is_answered);
    tcase_add_test(all, scram_proves_both_sides);
    tcase_add_test(all, it_can_be_closed_while_its_keys_are_derived);
    tcase_add_test(all, a_server_that_never_answers_the_login_is_left_after_the_timeout);
    tcase_add_test(all, a_refused_login_is_told_in_the_servers_words);
    tcase_add_test(all, what_follows_the_login_in_the_same_read_is_read);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
