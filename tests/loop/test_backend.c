// SPDX-License-Identifier: MIT
#include "pool/backend.h"

#include <stdlib.h>
#include <string.h>

#include "auth/scram_server.h"
#include "base/alloc.h"
#include "base/log.h"
#include "loops.h"
#include "pool/credential.h"
#include "script.h"
#include "server.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/cursor.h"

/* One backend, its owner and its user, and the server that the test plays. */
struct scene {
    struct loop loop;
    struct server *server;
    struct peer *peer;
    struct context_table contexts;
    struct credential credential;
    struct backend *b; /* NULL once it was freed */
    int ready;
    int abandoned;
    int gone;
    bool gone_in_login;
    struct err gone_err; /* code 0 where it was asked to close */
    int freed;
    struct buf got; /* by the user */
    int rests;
    int settled;
    int switched;
    int drained;
    int lost;
    int switch_failed;
    struct err err; /* that the user was told */
    bool full;      /* the user takes no more */
};

/* ---- the owner ---- */

static void on_ready(struct backend *b)
{
    ((struct scene *)b->owner)->ready++;
}

static void on_abandoned(struct backend *b)
{
    ((struct scene *)b->owner)->abandoned++;
}

static void on_gone(struct backend *b, bool login, const struct err *err)
{
    struct scene *s = b->owner;

    s->gone++;
    s->gone_in_login = login;
    s->gone_err = err == NULL ? (struct err){0} : *err;
}

static void on_free(struct backend *b)
{
    struct scene *s = b->owner;

    s->freed++;
    s->b = NULL;
    free(b);
}

static const struct backend_owner_ops owner_ops = {
    .on_ready = on_ready,
    .on_abandoned = on_abandoned,
    .on_gone = on_gone,
    .on_free = on_free,
};

/* ---- the user ---- */

static bool on_bytes(void *user, struct slice bytes)
{
    struct scene *s = user;

    buf_append_slice(&s->got, bytes);
    return s->full;
}

static void on_report(void *user, struct slice name, struct slice value)
{
    (void)user;
    (void)name;
    (void)value;
}

static void on_rest(void *user)
{
    ((struct scene *)user)->rests++;
}

static void on_settled(void *user)
{
    ((struct scene *)user)->settled++;
}

static void on_switched(void *user)
{
    ((struct scene *)user)->switched++;
}

static void on_drained(void *user)
{
    ((struct scene *)user)->drained++;
}

static void on_switch_failed(void *user, const struct err *err)
{
    struct scene *s = user;

    s->switch_failed++;
    s->err = *err;
}

static void on_lost(void *user, const struct err *err)
{
    struct scene *s = user;

    s->lost++;
    s->err = err == NULL ? (struct err){0} : *err;
}

static const struct backend_user_ops user_ops = {
    .on_bytes = on_bytes,
    .on_report = on_report,
    .on_rest = on_rest,
    .on_settled = on_settled,
    .on_switched = on_switched,
    .on_drained = on_drained,
    .on_switch_failed = on_switch_failed,
    .on_lost = on_lost,
};

/* ---- the scene ---- */

static void begin_with(struct scene *s, const char *secret, uint64_t timeout)
{
    static const char *const hosts[] = {"127.0.0.1"};

    *s = (struct scene){0};
    loops_begin(&s->loop);
    context_table_init(&s->contexts);
    s->server = server_new(&s->loop, false);
    credential_set_secret(&s->credential, secret);
    struct backend_target target = {
        .hosts = hosts,
        .host_count = 1,
        .port = s->server->port,
        .connect_timeout = timeout,
        .user = "app",
        .database = "shop",
        .credential = &s->credential,
    };
    s->b = x_zalloc(sizeof *s->b);
    s->b->contexts = &s->contexts;
    backend_start(s->b, &s->loop, &target, &owner_ops, s);
}

static void begin(struct scene *s)
{
    begin_with(s, NULL, 10000);
}

/* It is gone, once, and freed, once; nothing is left. */
static void end(struct scene *s)
{
    if (s->b != NULL) {
        backend_close(s->b, NULL);
    }
    loops_until_is(&s->loop, &s->freed, 1);
    server_close(s->server);
    loops_end(&s->loop);
    ck_assert_int_eq(s->gone, 1);
    ck_assert_int_eq(s->freed, 1);
    ck_assert_uint_eq(s->contexts.count, 0);
    context_table_fini(&s->contexts);
    credential_fini(&s->credential);
    buf_release(&s->got);
}

/* ---- ways into each state ---- */

struct state_fact {
    const struct scene *s;
    enum backend_state state;
};

static bool is_in_state(void *data)
{
    const struct state_fact *fact = data;

    return fact->s->b != NULL && fact->s->b->state == fact->state;
}

static void until_state(struct scene *s, enum backend_state state)
{
    struct state_fact fact = {.s = s, .state = state};

    loops_until(&s->loop, is_in_state, &fact, backend_state_name(state));
}

static void go_to_login(struct scene *s)
{
    until_state(s, BACKEND_LOGIN);
    s->peer = server_next(s->server);
    (void)peer_take_untyped(s->peer);
}

static void go_to_idle(struct scene *s)
{
    struct buf out = {0};

    go_to_login(s);
    server_build_greeting(&out, 4711);
    peer_send_buf(s->peer, &out);
    until_state(s, BACKEND_IDLE);
}

static void go_to_linked(struct scene *s)
{
    go_to_idle(s);
    backend_link(s->b, &user_ops, s);
}

/* The user sends these messages. */
static int ask(struct scene *s, const char *letters)
{
    static const char kinds[] = "?QFSPBDECc";
    struct buf out = {0};

    for (const char *at = letters; *at != '\0'; at++) {
        const char *kind = strchr(kinds, *at == 'f' ? 'c' : *at);
        if (kind != NULL) {
            (void)ledger_push(&s->b->ledger, (enum ledger_kind)(kind - kinds), LEDGER_FORWARD);
        }
    }
    script_client(&out, letters);
    struct slice bytes = buf_slice(&out);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
    int rc = backend_send(s->b, &piece, 1);
    buf_release(&out);
    return rc;
}

static void answer(struct scene *s, const char *letters)
{
    struct buf out = {0};

    script_server(&out, letters);
    peer_send_buf(s->peer, &out);
}

struct bytes_fact {
    const struct scene *s;
    size_t n;
};

static bool user_has(void *data)
{
    const struct bytes_fact *fact = data;

    return buf_size(&fact->s->got) >= fact->n;
}

/* Runs until the user has got exactly these messages. */
static void user_gets(struct scene *s, const char *letters)
{
    struct buf should = {0};
    script_server(&should, letters);
    struct bytes_fact fact = {.s = s, .n = should.len};

    loops_until(&s->loop, user_has, &fact, letters);
    ck_assert(slice_eq(buf_slice(&s->got), buf_slice(&should)));
    buf_release(&should);
}

static void go_to_cleaning(struct scene *s)
{
    go_to_linked(s);
    ck_assert_int_eq(ask(s, "Q"), 0);
    peer_expect(s->peer, "Q");
    backend_unlink(s->b, NULL, false);
}

static void go_to_held(struct scene *s)
{
    go_to_linked(s);
    s->b->cancels++; /* as cancel_send does */
    backend_unlink(s->b, NULL, false);
}

static void go_to_closed(struct scene *s)
{
    go_to_idle(s);
    backend_close(s->b, NULL);
}

static void stay(struct scene *s)
{
    (void)s;
}

static void (*const ways[BACKEND_STATES])(struct scene *s) = {
    [BACKEND_CONNECTING] = stay,         [BACKEND_LOGIN] = go_to_login,
    [BACKEND_IDLE] = go_to_idle,         [BACKEND_LINKED] = go_to_linked,
    [BACKEND_CLEANING] = go_to_cleaning, [BACKEND_HELD] = go_to_held,
    [BACKEND_CLOSED] = go_to_closed,
};

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
    ck_assert_uint_gt(buf_size(&s.b->parameters), 0);
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
        (void)uv_run(&s.loop.uv, UV_RUN_ONCE);
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

static void add_ends(TCase *all)
{
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
}

static void add_logins(TCase *all)
{
    tcase_add_test(all, after_its_login_it_is_ready_once);
    tcase_add_test(all, a_password_is_given_where_the_server_asks);
    tcase_add_test(all, an_md5_request_is_answered);
    tcase_add_test(all, scram_proves_both_sides);
    tcase_add_test(all, it_can_be_closed_while_its_keys_are_derived);
    tcase_add_test(all, a_server_that_never_answers_the_login_is_left_after_the_timeout);
    tcase_add_test(all, a_refused_login_is_told_in_the_servers_words);
    tcase_add_test(all, what_follows_the_login_in_the_same_read_is_read);
    tcase_add_test(all, an_idle_server_may_announce_something);
    tcase_add_test(all, the_last_words_of_an_idle_server_are_told);
    tcase_add_test(all, an_endless_message_of_an_idle_server_ends_it);
}

static void add_links(TCase *all)
{
    tcase_add_test(all, what_the_user_asks_is_answered_and_then_it_is_settled);
    tcase_add_test(all, within_a_transaction_it_is_at_rest_and_not_settled);
    tcase_add_test(all, a_settled_one_that_is_left_is_idle_before_leaving_returns);
    tcase_add_test(all, a_user_that_is_full_stops_the_server_until_it_resumes);
    tcase_add_test(all, a_server_that_does_not_read_is_told_by_the_result_and_later_drained);
    tcase_add_test(all, a_lost_server_is_told_with_its_own_last_words_forwarded);
    tcase_add_test(all, a_confirmed_switch_is_told_once_and_its_answers_are_not);
    tcase_add_test(all, a_refused_switch_ends_the_connection_and_is_told_as_such);
    tcase_add_test(all, a_server_lost_within_a_switch_is_lost_and_no_refusal);
}

static void add_leaving(TCase *all)
{
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
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("backend");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_set_timeout(all, 60);
    add_ends(all);
    add_logins(all);
    add_links(all);
    add_leaving(all);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
