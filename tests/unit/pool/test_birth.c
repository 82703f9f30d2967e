// SPDX-License-Identifier: MIT
//
// birth: who asked for something at its login gets a connection that began with it.
#include "pool/birth.h"

#include <string.h>

#include "loops.h"
#include "pooling.h"
#include "script.h"
#include "testing.h"

static void arrive(struct customer *c, struct lane *lane, const char *zone)
{
    customer_init(c, lane, "a");
    if (zone != NULL) {
        customer_set_zone(c, zone);
    }
}

/* Whether a startup packet asks for the zone. */
static bool asks_for(struct slice packet, const char *zone)
{
    return memmem(packet.p, packet.n, zone, strlen(zone)) != NULL;
}

START_TEST(equal_births_of_a_pool_are_one)
{
    struct pooling p;
    pooling_begin(&p, "", "{acme: {}}");
    struct pool *pool = pooling_lane(&p, "acme")->pool;
    struct context_setting zone = {slice_str("TimeZone"), slice_str("UTC"), false};
    struct birth *first = birth_find_or_add(pool, &zone, 1);

    struct birth *second = birth_find_or_add(pool, &zone, 1);
    struct birth *plain = birth_find_or_add(pool, NULL, 0);

    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_ne(first, plain);
    ck_assert(birth_is_chosen(first) && !birth_is_chosen(plain));
    birth_unref(first);
    birth_unref(second);
    birth_unref(plain);
    ck_assert_ptr_null(pool->births);
    pooling_end(&p);
}
END_TEST

START_TEST(what_was_asked_for_goes_into_the_startup_packet)
{
    struct pooling p;
    struct customer c;
    pooling_begin(&p, "", "{acme: {}}");
    p.server->greets = false;
    arrive(&c, pooling_lane(&p, "acme"), "Asia/Tokyo");

    ck_assert_int_eq(customer_ask(&c), 0);

    ck_assert(asks_for(peer_take_untyped(server_next(p.server)), "Asia/Tokyo"));
    customer_fini(&c);
    pooling_end(&p);
}
END_TEST

START_TEST(an_idle_one_of_the_same_birth_is_used_again)
{
    struct pooling p;
    struct customer plain;
    struct customer tokyo;
    pooling_begin(&p, "", "{acme: {pool: {size: 2}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    arrive(&plain, lane, NULL);
    arrive(&tokyo, lane, "Asia/Tokyo");
    customer_get(&plain);
    customer_get(&tokyo);
    const struct backend *his = tokyo.backend;
    customer_leave(&tokyo);
    customer_leave(&plain);

    customer_get(&tokyo);

    ck_assert_ptr_eq(tokyo.backend, his);
    ck_assert_int_eq(p.server->accepted, 2);
    customer_fini(&plain);
    customer_fini(&tokyo);
    pooling_end(&p);
}
END_TEST

START_TEST(in_a_full_pool_an_idle_one_of_another_birth_makes_room)
{
    struct pooling p;
    struct customer plain;
    struct customer tokyo;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    arrive(&plain, lane, NULL);
    arrive(&tokyo, lane, "Asia/Tokyo");
    customer_get(&plain);
    customer_leave(&plain);

    customer_get(&tokyo);

    ck_assert_ptr_eq(tokyo.backend->birth, tokyo.request.birth);
    ck_assert_uint_eq(lane->pool->count, 1);
    customer_fini(&plain);
    customer_fini(&tokyo);
    pooling_end(&p);
}
END_TEST

START_TEST(one_that_is_left_gives_way_to_who_is_in_turn)
{
    struct pooling p;
    struct customer plain;
    struct customer tokyo;
    struct customer later;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    arrive(&plain, lane, NULL);
    arrive(&tokyo, lane, "Asia/Tokyo");
    arrive(&later, lane, NULL);
    customer_get(&plain);
    ck_assert_int_eq(customer_ask(&tokyo), 0);
    ck_assert_int_eq(customer_ask(&later), 0);

    customer_leave(&plain);
    loops_until_is(&p.loop, &tokyo.granted, 2);

    ck_assert_int_eq(later.granted, 0);
    customer_leave(&tokyo);
    loops_until_is(&p.loop, &later.granted, 3);
    customer_fini(&plain);
    customer_fini(&tokyo);
    customer_fini(&later);
    pooling_end(&p);
}
END_TEST

START_TEST(each_who_waits_has_one_of_his_own_made)
{
    struct pooling p;
    struct customer all[3];
    static const char *const zones[] = {"Asia/Tokyo", "Asia/Tokyo", "Asia/Aden"};
    pooling_begin(&p, "", "{acme: {pool: {size: 3}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    for (int i = 0; i < 3; i++) {
        arrive(&all[i], lane, zones[i]);
        ck_assert_int_eq(customer_ask(&all[i]), 0);
    }

    ck_assert_uint_eq(all[0].request.birth->connecting, 2);
    ck_assert_uint_eq(all[2].request.birth->connecting, 1);
    loops_until_is(&p.loop, &p.grants, 3);

    ck_assert_int_eq(p.server->accepted, 3);
    for (int i = 0; i < 3; i++) {
        customer_fini(&all[i]);
    }
    pooling_end(&p);
}
END_TEST

START_TEST(one_whose_reset_query_runs_is_waited_for)
{
    struct pooling p;
    struct customer tokyo;
    struct customer next;
    pooling_begin(&p, "", "{acme: {pool: {size: 2}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    arrive(&tokyo, lane, "Asia/Tokyo");
    arrive(&next, lane, "Asia/Tokyo");
    customer_get(&tokyo);
    struct peer *peer = server_next(p.server);
    struct backend *his = tokyo.backend;
    tokyo.backend = NULL;
    pool_release(&tokyo.request, his, "DISCARD ALL", false);

    ck_assert_int_eq(customer_ask(&next), 0);
    ck_assert_uint_eq(lane->pool->connecting, 0);
    peer_expect(peer, "Q");
    struct buf out = {0};
    script_server(&out, "CZI");
    peer_send_buf(peer, &out);
    loops_until_is(&p.loop, &next.granted, 2);

    ck_assert_ptr_eq(next.backend, his);
    ck_assert_uint_eq(lane->pool->resetting, 0);
    customer_fini(&tokyo);
    customer_fini(&next);
    pooling_end(&p);
}
END_TEST

START_TEST(one_that_ends_in_its_reset_query_is_replaced)
{
    struct pooling p;
    struct customer first;
    struct customer next;
    pooling_begin(&p, "", "{acme: {pool: {size: 1}}}");
    struct lane *lane = pooling_lane(&p, "acme");
    arrive(&first, lane, NULL);
    arrive(&next, lane, NULL);
    customer_get(&first);
    struct peer *peer = server_next(p.server);
    struct backend *lost = first.backend;
    first.backend = NULL;
    pool_release(&first.request, lost, "DISCARD ALL", false);
    ck_assert_int_eq(customer_ask(&next), 0);

    peer_close(peer);
    loops_until_is(&p.loop, &next.granted, 2);

    ck_assert_uint_eq(lane->pool->resetting, 0);
    ck_assert_uint_eq(next.request.birth->resetting, 0);
    customer_fini(&first);
    customer_fini(&next);
    pooling_end(&p);
}
END_TEST

/* Logs in the next connection, whatever it asks for, when it is of that zone; else hands it back.
 */
static struct peer *take_of_zone(struct pooling *p, const char *zone, struct peer **others)
{
    for (;;) {
        struct peer *peer = server_next(p->server);
        if (asks_for(peer_take_untyped(peer), zone)) {
            return peer;
        }
        *others++ = peer;
    }
}

static void greet(struct peer *peer)
{
    struct buf out = {0};

    server_build_greeting(&out, 1);
    peer_send_buf(peer, &out);
}

START_TEST(one_that_is_ready_before_its_turn_is_given_out_in_its_turn)
{
    struct pooling p;
    struct customer tokyo;
    struct customer aden;
    struct peer *other = NULL;
    pooling_begin(&p, "", "{acme: {pool: {size: 2}}}");
    p.server->greets = false;
    struct lane *lane = pooling_lane(&p, "acme");
    arrive(&tokyo, lane, "Asia/Tokyo");
    arrive(&aden, lane, "Asia/Aden");
    ck_assert_int_eq(customer_ask(&tokyo), 0);
    ck_assert_int_eq(customer_ask(&aden), 0);
    struct peer *ready = take_of_zone(&p, "Asia/Aden", &other);
    greet(ready);
    loops_until_is(&p.loop, (const int *)&lane->pool->idle_count, 1);

    if (other == NULL) {
        other = server_next(p.server);
        (void)peer_take_untyped(other);
    }
    greet(other);
    loops_until_is(&p.loop, &p.grants, 2);

    ck_assert_int_eq(tokyo.granted, 1);
    ck_assert_int_eq(aden.granted, 2);
    customer_fini(&tokyo);
    customer_fini(&aden);
    pooling_end(&p);
}
END_TEST

START_TEST(a_refused_setting_is_no_failure_of_the_server)
{
    struct pooling p;
    struct buf out = {0};
    struct customer bad;
    struct customer plain;
    pooling_begin(&p, "", "{acme: {pool: {size: 2}}}");
    p.server->greets = false;
    struct lane *lane = pooling_lane(&p, "acme");
    arrive(&bad, lane, "Nowhere");
    arrive(&plain, lane, NULL);
    ck_assert_int_eq(customer_ask(&bad), 0);
    struct peer *peer = server_next(p.server);
    (void)peer_take_untyped(peer);
    p.server->greets = true;
    ck_assert_int_eq(customer_ask(&plain), 0);

    script_error(&out, "FATAL", "22023", "invalid value for parameter \"TimeZone\": \"Nowhere\"");
    peer_send_buf(peer, &out);
    loops_until_is(&p.loop, &bad.refused, 1);
    loops_until_is(&p.loop, &plain.granted, 1);

    ck_assert_str_eq(bad.err.sqlstate, "22023");
    ck_assert_int_eq(plain.refused, 0);
    ck_assert_int_eq(lane->pool->failure.code, 0);
    ck_assert(!deadline_armed(&lane->pool->retry));
    customer_fini(&bad);
    customer_fini(&plain);
    pooling_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("birth");
    TCase *all = tcase_create("all");

    tcase_add_test(all, equal_births_of_a_pool_are_one);
    tcase_add_test(all, what_was_asked_for_goes_into_the_startup_packet);
    tcase_add_test(all, an_idle_one_of_the_same_birth_is_used_again);
    tcase_add_test(all, in_a_full_pool_an_idle_one_of_another_birth_makes_room);
    tcase_add_test(all, one_that_is_left_gives_way_to_who_is_in_turn);
    tcase_add_test(all, each_who_waits_has_one_of_his_own_made);
    tcase_add_test(all, one_that_is_ready_before_its_turn_is_given_out_in_its_turn);
    tcase_add_test(all, one_whose_reset_query_runs_is_waited_for);
    tcase_add_test(all, one_that_ends_in_its_reset_query_is_replaced);
    tcase_add_test(all, a_refused_setting_is_no_failure_of_the_server);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
