// SPDX-License-Identifier: MIT
//
// The armed switch as a server sees it: what goes out in which write, what waits, and what happens
// when it is refused.
#include <string.h>

#include "loops.h"
#include "pool/pool.h"
#include "proxy/relay.h"
#include "script.h"
#include "sends.h"
#include "stage.h"
#include "testing.h"
#include "wire/build.h"

#define TWO_TENANTS "{defaults: {strategy: rls, pool: {size: 1}}, acme: {}, globex: {}}"

/* How the server sees a switch of one setting, and answers it. */
#define SWITCH         "PBEPBEPBE" /* BEGIN, SELECT set_config, COMMIT */
#define SWITCH_AGAIN   "BEBEBE"    /* with statements that it knows */
#define SCRUB_SWITCH   "PBEPBEPBEPBE"
#define SWITCHED       "12C12DC12C"
#define SWITCHED_AGAIN "2C2DC2C"
#define SCRUBBED       "12C12C12DC12C"

/* The first client of a context: its login tries the switch. Returns the client. */
static struct peer *first_login(struct stage *s, const char *user, struct peer **server)
{
    struct peer *client = stage_knock(s, user);

    *server = server_next(s->server);
    peer_expect(*server, SWITCH "S");
    stage_answer(*server, SWITCHED "ZI");
    peer_expect(client, "R" STAGE_GREETING);
    return client;
}

/* A second tenant on the same connection. */
static struct peer *second_login(struct stage *s, const char *user, struct peer *server)
{
    struct peer *client = stage_knock(s, user);

    peer_expect(server, SCRUB_SWITCH "S");
    stage_answer(server, SCRUBBED "ZI");
    peer_expect(client, "R" STAGE_GREETING);
    return client;
}

/* ---- before the greeting ---- */

START_TEST(a_context_is_tried_before_its_first_client_is_greeted)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);

    (void)first_login(&s, "app.acme", &server);

    stage_end(&s);
}
END_TEST

START_TEST(a_context_that_was_tried_greets_without_a_server)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    (void)first_login(&s, "app.acme", &server);

    (void)stage_login(&s, "app.acme");

    ck_assert_uint_eq(buf_size(&server->got), 0);
    stage_end(&s);
}
END_TEST

START_TEST(a_context_that_the_server_refuses_twice_ends_the_login_with_its_words)
{
    struct stage s;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *client = stage_knock(&s, "app.acme");

    for (int i = 0; i < 2; i++) {
        struct peer *server = server_next(s.server);
        peer_expect(server, SWITCH "S");
        stage_answer(server, "12C1E");
        peer_expect_end(server);
    }

    peer_expect(client, "R");
    (void)stage_expect_error(client, "22012");
    peer_expect_end(client);
    stage_end(&s);
}
END_TEST

/* ---- ahead of a batch ---- */

START_TEST(a_connection_in_the_clients_context_needs_no_switch)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *client = first_login(&s, "app.acme", &server);

    stage_ask(client, "Q");
    peer_expect(server, "Q");
    stage_answer(server, "TDCZI");
    peer_expect(client, "TDCZI");

    stage_end(&s);
}
END_TEST

/* The server's connection, as the proxy writes to it. */
static int server_fd(struct stage *s)
{
    struct pool *pool = stage_frontend(s)->request.lane->pool;

    return container_of(list_head(&pool->all), struct backend, pool_node)->conn.watch.fd;
}

START_TEST(switch_and_first_batch_leave_in_one_write)
{
    static const char *const batches[] = {"Q", "PBDES", "F", "PDH", "S"};
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    sends_watch(server_fd(&s));

    stage_ask(acme, batches[_i]);
    peer_expect(server, SCRUB_SWITCH);
    peer_expect(server, batches[_i]);

    ck_assert_int_eq(sends_count(), 1);
    stage_end(&s);
}
END_TEST

START_TEST(a_scrub_discards_first_and_uses_no_name)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);

    stage_ask(acme, "Q");

    ck_assert(slice_eq(peer_take(server, 'P'), slice_of("\0DISCARD ALL\0\0", 15)));
    peer_expect(server, "BE");
    ck_assert(slice_eq(peer_take(server, 'P'), slice_of("\0BEGIN\0\0", 9)));
    peer_expect(server, "BEPBEPBEQ");
    stage_end(&s);
}
END_TEST

START_TEST(the_answers_of_the_switch_are_not_the_clients)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);

    stage_ask(acme, "PBES");
    peer_expect(server, SCRUB_SWITCH "PBES");
    stage_answer(server, SCRUBBED "12CZI");

    peer_expect(acme, "12CZI");
    stage_end(&s);
}
END_TEST

START_TEST(at_most_one_batch_is_ahead_of_the_switchs_own_answer)
{
    static const char *const batches[] = {"QQQ", "PBESPBESPBES", "FFF"};
    struct stage s;
    struct peer *server;
    char first[5] = "";
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    memcpy(first, batches[_i], strlen(batches[_i]) / 3);
    sends_watch(server_fd(&s));

    stage_ask(acme, batches[_i]);
    peer_expect(server, SCRUB_SWITCH);
    peer_expect(server, first);
    ck_assert_uint_eq(buf_size(&server->got), 0);
    ck_assert_int_eq(sends_count(), 1);
    stage_answer(server, SCRUBBED);
    peer_expect(server, first);
    peer_expect(server, first);

    stage_end(&s);
}
END_TEST

START_TEST(a_batch_that_is_not_whole_waits_behind_a_flush)
{
    struct stage s;
    struct peer *server;
    struct buf query = {0};
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    build_query(&query, "SELECT 'a long one'");

    peer_send(acme, slice_head(buf_slice(&query), 10));
    peer_expect(server, SCRUB_SWITCH "H");
    stage_answer(server, SCRUBBED);
    peer_send(acme, slice_from(buf_slice(&query), 10));
    stage_expect_query(server, "SELECT 'a long one'");
    stage_answer(server, "TDCZI");

    peer_expect(acme, "TDCZI");
    buf_release(&query);
    stage_end(&s);
}
END_TEST

START_TEST(a_batch_that_comes_byte_by_byte_arrives_whole)
{
    struct stage s;
    struct peer *server;
    struct buf batch = {0};
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    script_client(&batch, "PBDES");

    for (size_t i = 0; i < batch.len; i++) {
        peer_send(acme, slice_of(batch.p + i, 1));
        loop_turn(&s.loop, false);
    }
    peer_expect(server, SCRUB_SWITCH "H");
    stage_answer(server, SCRUBBED);
    peer_expect(server, "PBDES");
    stage_answer(server, "12TDCZI");

    peer_expect(acme, "12TDCZI");
    buf_release(&batch);
    stage_end(&s);
}
END_TEST

/* ---- refused ---- */

START_TEST(a_refused_switch_closes_and_the_batch_goes_out_once_on_another_connection)
{
    static const char *const batches[] = {"Q", "PBDES"};
    static const char *const answers[] = {"TDCZI", "12TDCZI"};
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    stage_ask(acme, batches[_i]);
    peer_expect(server, SCRUB_SWITCH);
    peer_expect(server, batches[_i]);

    stage_answer(server, "12C12C1E");
    peer_expect_end(server);
    struct peer *second = server_next(s.server);
    peer_expect(second, SWITCH);
    peer_expect(second, batches[_i]);
    stage_answer(second, SWITCHED);
    stage_answer(second, answers[_i]);

    peer_expect(acme, answers[_i]);
    stage_end(&s);
}
END_TEST

/* Both tries of the client's first batch are refused. */
static void refuse_twice(struct stage *s, struct peer *server, const char *batch)
{
    peer_expect(server, SCRUB_SWITCH);
    peer_expect(server, batch);
    stage_answer(server, "E");
    struct peer *second = server_next(s->server);
    peer_expect(second, SWITCH);
    peer_expect(second, batch);
    stage_answer(second, "12C12E");
    peer_expect_end(second);
}

START_TEST(refused_twice_the_batch_fails_and_the_session_goes_on)
{
    static const char *const batches[] = {"Q", "PBDES"};
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    stage_ask(acme, batches[_i]);

    refuse_twice(&s, server, batches[_i]);
    (void)stage_expect_error(acme, "22012");
    peer_expect(acme, "ZI");
    stage_ask(acme, "Q");
    struct peer *third = server_next(s.server);
    peer_expect(third, SWITCH "Q");
    stage_answer(third, SWITCHED "TDCZI");

    peer_expect(acme, "TDCZI");
    stage_end(&s);
}
END_TEST

START_TEST(of_pipelined_batches_only_the_refused_one_fails)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    stage_ask(acme, "QPBES");

    refuse_twice(&s, server, "Q");
    (void)stage_expect_error(acme, "22012");
    peer_expect(acme, "ZI");
    struct peer *third = server_next(s.server);
    peer_expect(third, SWITCH "PBES");
    stage_answer(third, SWITCHED "12CZI");

    peer_expect(acme, "12CZI");
    stage_end(&s);
}
END_TEST

START_TEST(a_server_lost_within_the_switch_is_not_asked_again)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    (void)second_login(&s, "app.globex", server);
    stage_ask(acme, "Q");
    peer_expect(server, SCRUB_SWITCH "Q");

    stage_answer(server, "12C");
    peer_close(server);

    (void)stage_expect_error(acme, "08006");
    peer_expect_end(acme);
    stage_end(&s);
}
END_TEST

/* ---- when a switch is needed ---- */

START_TEST(the_reset_policy_decides_what_happens_at_a_change_of_tenant)
{
    static const struct {
        const char *reset;
        const char *seen; /* by the server, ahead of acme's query after globex */
    } facts[] = {
        {"tenant", SCRUB_SWITCH "Q"}, {"client", SCRUB_SWITCH "Q"}, {"never", SWITCH_AGAIN "Q"}};
    struct stage s;
    struct peer *server;
    char tenants[120];
    (void)snprintf(tenants, sizeof tenants,
                   "{defaults: {strategy: rls, reset: %s, pool: {size: 1}}, acme: {}, globex: {}}",
                   facts[_i].reset);
    stage_begin(&s, "", tenants);
    struct peer *acme = first_login(&s, "app.acme", &server);
    struct peer *globex = stage_knock(&s, "app.globex");
    bool scrubs = strcmp(facts[_i].reset, "never") != 0;
    peer_expect(server, scrubs ? SCRUB_SWITCH "S" : SWITCH_AGAIN "S");
    stage_answer(server, scrubs ? SCRUBBED "ZI" : SWITCHED_AGAIN "ZI");
    peer_expect(globex, "R" STAGE_GREETING);

    stage_ask(acme, "Q");
    peer_expect(server, facts[_i].seen);

    stage_end(&s);
}
END_TEST

START_TEST(where_no_connection_is_shared_a_change_of_tenant_gets_a_fresh_one)
{
    struct stage s;
    struct peer *server;
    stage_begin(
        &s, "",
        "{defaults: {strategy: rls, reset: backend, pool: {size: 1}}, acme: {}, globex: {}}");
    (void)first_login(&s, "app.acme", &server);

    struct peer *globex = stage_knock(&s, "app.globex");
    peer_expect(server, "X");
    peer_expect_end(server);
    struct peer *second = server_next(s.server);
    peer_expect(second, SWITCH "S");
    stage_answer(second, SWITCHED "ZI");

    peer_expect(globex, "R" STAGE_GREETING);
    stage_end(&s);
}
END_TEST

START_TEST(another_client_of_the_same_tenant_needs_a_scrub_only_where_asked)
{
    static const char *const resets[] = {"tenant", "never", "client"};
    static const char *const seen[] = {"Q", "Q", SCRUB_SWITCH "Q"};
    struct stage s;
    struct peer *server;
    char tenants[100];
    (void)snprintf(tenants, sizeof tenants,
                   "{defaults: {strategy: rls, reset: %s, pool: {size: 1}}, acme: {}}", resets[_i]);
    stage_begin(&s, "", tenants);
    (void)first_login(&s, "app.acme", &server);
    struct peer *other = stage_login(&s, "app.acme");

    stage_ask(other, "Q");
    peer_expect(server, seen[_i]);

    stage_end(&s);
}
END_TEST

static void answer_tag(struct peer *server, const char *tag)
{
    struct buf out = {0};

    build_command_complete(&out, tag);
    build_ready(&out, 'I');
    peer_send_buf(server, &out);
}

START_TEST(after_a_set_the_context_is_asserted_anew)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", TWO_TENANTS);
    struct peer *acme = first_login(&s, "app.acme", &server);
    stage_query(acme, "SET work_mem = '1GB'");
    stage_expect_query(server, "SET work_mem = '1GB'");
    answer_tag(server, "SET");
    peer_expect(acme, "CZI");

    stage_ask(acme, "Q");
    peer_expect(server, SWITCH_AGAIN "Q");

    stage_end(&s);
}
END_TEST

START_TEST(a_tenant_that_wants_it_is_asserted_at_every_link)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", "{acme: {strategy: rls, assert: always, pool: {size: 1}}}");
    struct peer *acme = first_login(&s, "app.acme", &server);

    for (int i = 0; i < 2; i++) {
        stage_ask(acme, "Q");
        peer_expect(server, SWITCH_AGAIN "Q");
        stage_answer(server, SWITCHED_AGAIN "TDCZI");
        peer_expect(acme, "TDCZI");
    }

    stage_end(&s);
}
END_TEST

START_TEST(what_a_client_set_follows_it_to_the_next_connection)
{
    struct stage s;
    struct peer *server;
    struct buf out = {0};
    stage_begin(&s, "", "{acme: {strategy: rls, pool: {size: 2}}}");
    struct peer *acme = first_login(&s, "app.acme", &server);
    stage_query(acme, "SET TimeZone = 'Asia/Tokyo'");
    peer_expect(server, "Q");
    build_parameter_status(&out, slice_str("TimeZone"), slice_str("Asia/Tokyo"));
    peer_send_buf(server, &out);
    answer_tag(server, "SET");
    peer_expect(acme, "SCZI");
    peer_close(server); /* that connection is gone */

    stage_ask(acme, "Q");
    struct peer *second = server_next(s.server);
    peer_expect(second, "PBEPB");
    peer_expect(second, "EPBEQ");
    stage_answer(second, SWITCHED "TDC");
    build_parameter_status(&out, slice_str("TimeZone"), slice_str("Asia/Tokyo"));
    peer_send_buf(second, &out);
    stage_answer(second, "ZI");
    peer_expect(acme, "TDCSZI");

    const struct context *context = stage_frontend(&s)->request.context;
    const struct context_setting *zone = context_find(context, slice_str("timezone"));
    ck_assert_ptr_nonnull(zone);
    ck_assert_slice_str(zone->value, "Asia/Tokyo");
    stage_end(&s);
}
END_TEST

/* ---- session mode ---- */

#define SESSION "{acme: {strategy: rls, pool: {size: 1, mode: session}}}"

START_TEST(in_session_mode_a_discard_all_leaves_the_client_in_its_tenant)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", SESSION);
    struct peer *acme = first_login(&s, "app.acme", &server);
    stage_query(acme, "DISCARD ALL");
    stage_expect_query(server, "DISCARD ALL");
    answer_tag(server, "DISCARD ALL");
    peer_expect(acme, "CZI");

    stage_ask(acme, "Q");
    peer_expect(server, SWITCH "Q");
    stage_answer(server, SWITCHED "TDCZI");

    peer_expect(acme, "TDCZI");
    stage_end(&s);
}
END_TEST

START_TEST(in_session_mode_what_a_client_set_for_itself_is_left_alone)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", SESSION);
    struct peer *acme = first_login(&s, "app.acme", &server);
    stage_query(acme, "SET work_mem = '1GB'");
    stage_expect_query(server, "SET work_mem = '1GB'");
    answer_tag(server, "SET");
    peer_expect(acme, "CZI");

    stage_ask(acme, "Q");
    peer_expect(server, "PBEP");
    struct slice bind = peer_take(server, 'B');
    ck_assert_ptr_nonnull(memmem(bind.p, bind.n, "app.tenant", 10));
    peer_expect(server, "EPBEQ");

    stage_end(&s);
}
END_TEST

START_TEST(in_session_mode_the_reset_query_runs_when_the_client_leaves)
{
    struct stage s;
    struct peer *server;
    stage_begin(&s, "", SESSION);
    struct peer *acme = first_login(&s, "app.acme", &server);
    stage_ask(acme, "Q");
    peer_expect(server, "Q");
    stage_answer(server, "TDCZI");
    peer_expect(acme, "TDCZI");

    stage_ask(acme, "X");
    stage_expect_query(server, "DISCARD ALL");
    peer_expect_end(acme);

    stage_end(&s);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("switch");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, a_context_is_tried_before_its_first_client_is_greeted);
    tcase_add_test(all, a_context_that_was_tried_greets_without_a_server);
    tcase_add_test(all, a_context_that_the_server_refuses_twice_ends_the_login_with_its_words);
    tcase_add_test(all, a_connection_in_the_clients_context_needs_no_switch);
    tcase_add_loop_test(all, switch_and_first_batch_leave_in_one_write, 0, 5);
    tcase_add_test(all, a_scrub_discards_first_and_uses_no_name);
    tcase_add_test(all, the_answers_of_the_switch_are_not_the_clients);
    tcase_add_loop_test(all, at_most_one_batch_is_ahead_of_the_switchs_own_answer, 0, 3);
    tcase_add_test(all, a_batch_that_is_not_whole_waits_behind_a_flush);
    tcase_add_test(all, a_batch_that_comes_byte_by_byte_arrives_whole);
    tcase_add_loop_test(
        all, a_refused_switch_closes_and_the_batch_goes_out_once_on_another_connection, 0, 2);
    tcase_add_loop_test(all, refused_twice_the_batch_fails_and_the_session_goes_on, 0, 2);
    tcase_add_test(all, of_pipelined_batches_only_the_refused_one_fails);
    tcase_add_test(all, a_server_lost_within_the_switch_is_not_asked_again);
    tcase_add_loop_test(all, the_reset_policy_decides_what_happens_at_a_change_of_tenant, 0, 3);
    tcase_add_test(all, where_no_connection_is_shared_a_change_of_tenant_gets_a_fresh_one);
    tcase_add_loop_test(all, another_client_of_the_same_tenant_needs_a_scrub_only_where_asked, 0,
                        3);
    tcase_add_test(all, after_a_set_the_context_is_asserted_anew);
    tcase_add_test(all, a_tenant_that_wants_it_is_asserted_at_every_link);
    tcase_add_test(all, what_a_client_set_follows_it_to_the_next_connection);
    tcase_add_test(all, in_session_mode_a_discard_all_leaves_the_client_in_its_tenant);
    tcase_add_test(all, in_session_mode_what_a_client_set_for_itself_is_left_alone);
    tcase_add_test(all, in_session_mode_the_reset_query_runs_when_the_client_leaves);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
