// SPDX-License-Identifier: MIT
#include "pool/cancel.h"

#include "loops.h"
#include "pooling.h"
#include "script.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/cursor.h"

/* One tenant, one connection, which a customer holds. */
struct scene {
    struct pooling p;
    struct customer c;
    struct peer *peer; /* the server's end of the connection */
    struct backend *b;
};

static void begin(struct scene *s)
{
    pooling_begin(&s->p, "", "{acme: {pool: {size: 1}}}");
    customer_init(&s->c, pooling_lane(&s->p, "acme"), "a");
    customer_get(&s->c);
    s->peer = server_next(s->p.server);
    s->b = s->c.backend;
}

static void end(struct scene *s)
{
    customer_fini(&s->c);
    pooling_end(&s->p);
}

/* The server's end of a CancelRequest, which must name the connection. */
static struct peer *take_cancel(struct scene *s, uint32_t pid, struct slice key)
{
    struct peer *peer = server_next(s->p.server);
    struct cursor c = cursor_of(peer_take_untyped(peer));

    ck_assert_uint_eq(cursor_be32(&c), WIRE_CANCEL_REQUEST);
    ck_assert_uint_eq(cursor_be32(&c), pid);
    ck_assert(slice_eq(c.left, key));
    return peer;
}

static bool is_idle(void *data)
{
    return ((const struct scene *)data)->b->state == BACKEND_IDLE;
}

static bool has_no_cancel(void *data)
{
    return ((const struct scene *)data)->b->cancel == NULL;
}

/* Something runs on the connection. */
static void run(struct scene *s)
{
    (void)ledger_push(&s->b->ledger, LEDGER_QUERY, LEDGER_FORWARD);
    s->b->synced = false;
}

/* … and is answered. */
static void answer(struct scene *s)
{
    struct buf out = {0};

    build_command_complete(&out, "SELECT 1");
    build_ready(&out, 'I');
    peer_send_buf(s->peer, &out);
}

static bool is_synced(void *data)
{
    return ((const struct scene *)data)->b->synced;
}

START_TEST(a_cancel_request_names_the_process_and_its_key)
{
    struct scene s;
    begin(&s);

    cancel_send(s.b);
    struct peer *cancel = take_cancel(&s, s.b->pid, s.b->key);

    peer_close(cancel);
    end(&s);
}
END_TEST

START_TEST(a_connection_is_given_to_nobody_while_a_cancel_may_still_arrive)
{
    struct scene s;
    begin(&s);
    cancel_send(s.b);
    struct peer *cancel = take_cancel(&s, s.b->pid, s.b->key);

    customer_leave(&s.c);
    ck_assert_int_eq(s.b->state, BACKEND_HELD);
    ck_assert_int_eq(customer_ask(&s.c), 0);
    ck_assert_ptr_null(s.c.backend);
    peer_close(cancel);
    loops_until_is(&s.p.loop, &s.c.granted, 2);

    ck_assert_ptr_eq(s.c.backend, s.b);
    end(&s);
}
END_TEST

static bool is_gone(void *data)
{
    return ((const struct scene *)data)->p.pools.count == 0;
}

START_TEST(one_that_is_retired_while_a_cancel_is_under_way_closes_behind_it)
{
    struct scene s;
    begin(&s);
    cancel_send(s.b);
    struct peer *cancel = take_cancel(&s, s.b->pid, s.b->key);
    customer_leave(&s.c);
    ck_assert_int_eq(s.b->state, BACKEND_HELD);

    pool_retire_connections(s.c.request.lane->pool);
    ck_assert_uint_eq(s.p.pools.count, 1);
    peer_close(cancel);
    loops_until(&s.p.loop, is_gone, &s, "the end of the connection");

    peer_expect(s.peer, "X");
    end(&s);
}
END_TEST

START_TEST(a_flood_of_cancels_has_one_connection_at_a_time)
{
    struct scene s;
    begin(&s);
    run(&s);
    for (int i = 0; i < 100; i++) {
        cancel_send(s.b);
    }
    struct peer *first = take_cancel(&s, s.b->pid, s.b->key);

    peer_close(first);
    struct peer *second = take_cancel(&s, s.b->pid, s.b->key);
    peer_close(second);
    loops_until(&s.p.loop, has_no_cancel, &s, "the end of the last cancel");

    end(&s);
}
END_TEST

START_TEST(a_cancel_that_waited_is_dropped_with_what_it_was_for)
{
    struct scene s;
    begin(&s);
    run(&s);
    cancel_send(s.b);
    cancel_send(s.b);
    struct peer *first = take_cancel(&s, s.b->pid, s.b->key);

    answer(&s);
    loops_until(&s.p.loop, is_synced, &s, "the end of the query");
    peer_close(first);
    loops_until(&s.p.loop, has_no_cancel, &s, "the end of the only cancel");

    end(&s);
}
END_TEST

START_TEST(a_cancel_that_cannot_be_sent_ends_all_the_same)
{
    struct scene s;
    begin(&s);
    server_stop_listening(s.p.server);
    cancel_send(s.b);

    customer_leave(&s.c);
    ck_assert_int_eq(s.b->state, BACKEND_HELD);
    loops_until(&s.p.loop, is_idle, &s, "an idle connection");

    end(&s);
}
END_TEST

START_TEST(a_connection_that_ends_first_lets_its_cancel_go_on_alone)
{
    struct scene s;
    begin(&s);
    uint32_t pid = s.b->pid;
    char key[4];
    memcpy(key, s.b->key.p, 4);
    cancel_send(s.b);

    peer_close(s.peer);
    loops_until_is(&s.p.loop, &s.c.lost, 1);
    struct peer *cancel = take_cancel(&s, pid, slice_of(key, 4));
    peer_close(cancel);

    end(&s);
}
END_TEST

START_TEST(nothing_is_sent_to_a_server_that_gave_no_key)
{
    struct scene s;
    struct buf out = {0};
    pooling_begin(&s.p, "", "{acme: {pool: {size: 1}}}");
    s.p.server->greets = false;
    customer_init(&s.c, pooling_lane(&s.p, "acme"), "a");
    ck_assert_int_eq(customer_ask(&s.c), 0);
    s.peer = server_next(s.p.server);
    (void)peer_take_untyped(s.peer);
    build_auth(&out, WIRE_AUTH_OK, SLICE_EMPTY);
    build_ready(&out, 'I');
    peer_send_buf(s.peer, &out);
    loops_until_is(&s.p.loop, &s.c.granted, 1);

    cancel_send(s.c.backend);

    ck_assert_ptr_null(s.c.backend->cancel);
    end(&s);
}
END_TEST

START_TEST(a_loop_may_end_while_a_cancel_is_under_way)
{
    struct scene s;
    begin(&s);
    cancel_send(s.b);

    end(&s);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("cancel");
    TCase *all = tcase_create("all");

    log_configure(LOG_ERROR, false);
    tcase_add_test(all, a_cancel_request_names_the_process_and_its_key);
    tcase_add_test(all, a_connection_is_given_to_nobody_while_a_cancel_may_still_arrive);
    tcase_add_test(all, one_that_is_retired_while_a_cancel_is_under_way_closes_behind_it);
    tcase_add_test(all, a_flood_of_cancels_has_one_connection_at_a_time);
    tcase_add_test(all, a_cancel_that_waited_is_dropped_with_what_it_was_for);
    tcase_add_test(all, a_cancel_that_cannot_be_sent_ends_all_the_same);
    tcase_add_test(all, a_connection_that_ends_first_lets_its_cancel_go_on_alone);
    tcase_add_test(all, nothing_is_sent_to_a_server_that_gave_no_key);
    tcase_add_test(all, a_loop_may_end_while_a_cancel_is_under_way);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
