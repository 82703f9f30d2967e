// SPDX-License-Identifier: MIT
#include "pool/ledger.h"

#include "testing.h"

static void push(struct ledger *ledger, enum ledger_kind kind, uint32_t arg)
{
    struct ledger_entry *entry = ledger_push(ledger, kind, LEDGER_FORWARD);

    ck_assert_ptr_nonnull(entry);
    entry->arg = arg;
}

START_TEST(an_empty_ledger_owes_nothing)
{
    struct ledger ledger;
    ledger_init(&ledger);

    ck_assert(ledger_empty(&ledger));
    ck_assert_ptr_null(ledger_head(&ledger));
    ck_assert(!ledger_ends_batch(&ledger));
    ledger_fini(&ledger);
}
END_TEST

START_TEST(entries_come_out_in_the_order_in_which_they_went_in)
{
    struct ledger ledger;
    ledger_init(&ledger);

    push(&ledger, LEDGER_PARSE, 1);
    push(&ledger, LEDGER_BIND, 2);
    push(&ledger, LEDGER_SYNC, 3);

    ck_assert_int_eq(ledger_head(&ledger)->kind, LEDGER_PARSE);
    ledger_pop(&ledger);
    ck_assert_int_eq(ledger_head(&ledger)->kind, LEDGER_BIND);
    ledger_pop(&ledger);
    ck_assert_uint_eq(ledger_head(&ledger)->arg, 3);
    ledger_pop(&ledger);
    ck_assert(ledger_empty(&ledger));
    ledger_fini(&ledger);
}
END_TEST

START_TEST(a_new_entry_has_neither_argument_nor_note)
{
    struct ledger ledger;
    ledger_init(&ledger);
    int note;
    struct ledger_entry *entry = ledger_push(&ledger, LEDGER_PARSE, LEDGER_MAKE_UP);
    entry->arg = 7;
    entry->note = &note;
    for (int i = 0; i < LEDGER_INLINE; i++) { /* round the ring, to the same place */
        ledger_pop(&ledger);
        entry = ledger_push(&ledger, LEDGER_BIND, LEDGER_FORWARD);
    }

    ck_assert_uint_eq(entry->arg, 0);
    ck_assert_ptr_null(entry->note);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(growing_keeps_the_order_from_wherever_the_ring_begins)
{
    struct ledger ledger;
    ledger_init(&ledger);

    for (int i = 0; i < _i; i++) { /* moves the head */
        push(&ledger, LEDGER_QUERY, 0);
        ledger_pop(&ledger);
    }
    for (uint32_t i = 0; i < 5 * LEDGER_INLINE; i++) {
        push(&ledger, LEDGER_QUERY, i);
    }

    ck_assert_uint_eq(ledger.count, 5 * LEDGER_INLINE);
    for (uint32_t i = 0; i < 5 * LEDGER_INLINE; i++) {
        ck_assert_uint_eq(ledger_at(&ledger, 0)->arg, i);
        ledger_pop(&ledger);
    }
    ledger_fini(&ledger);
}
END_TEST

START_TEST(so_many_at_once_need_no_memory_of_their_own)
{
    struct ledger ledger;
    ledger_init(&ledger);

    for (uint32_t i = 0; i < LEDGER_INLINE; i++) {
        push(&ledger, LEDGER_QUERY, i);
    }

    ck_assert_ptr_eq(ledger.ring, ledger.inline_ring);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(shrinking_gives_the_memory_back_when_nothing_is_owed)
{
    struct ledger ledger;
    ledger_init(&ledger);
    for (uint32_t i = 0; i <= LEDGER_INLINE; i++) {
        push(&ledger, LEDGER_QUERY, i);
    }

    ledger_shrink(&ledger);
    ck_assert_ptr_ne(ledger.ring, ledger.inline_ring);
    while (!ledger_empty(&ledger)) {
        ledger_pop(&ledger);
    }
    ledger_shrink(&ledger);

    ck_assert_ptr_eq(ledger.ring, ledger.inline_ring);
    ck_assert_uint_eq(ledger.cap, LEDGER_INLINE);
    push(&ledger, LEDGER_SYNC, 9);
    ck_assert_uint_eq(ledger_head(&ledger)->arg, 9);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(query_function_call_and_sync_end_a_batch_and_nothing_else_does)
{
    for (int kind = LEDGER_SWITCH; kind <= LEDGER_COPY_END; kind++) {
        struct ledger ledger;
        ledger_init(&ledger);

        push(&ledger, LEDGER_SYNC, 0);
        push(&ledger, (enum ledger_kind)kind, 0);

        ck_assert_int_eq(ledger_ends_batch(&ledger),
                         kind == LEDGER_QUERY || kind == LEDGER_FUNCTION || kind == LEDGER_SYNC);
        ledger_fini(&ledger);
    }
}
END_TEST

START_TEST(a_server_that_skips_owes_nothing_before_the_next_sync)
{
    struct ledger ledger;
    ledger_init(&ledger);
    ledger.skipping = true;

    ck_assert_ptr_null(ledger_push(&ledger, LEDGER_QUERY, LEDGER_FORWARD));
    ck_assert_ptr_null(ledger_push(&ledger, LEDGER_EXECUTE, LEDGER_FORWARD));
    push(&ledger, LEDGER_SYNC, 0);
    push(&ledger, LEDGER_QUERY, 0);

    ck_assert_uint_eq(ledger.count, 2);
    ck_assert_int_eq(ledger_head(&ledger)->kind, LEDGER_SYNC);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(what_is_prepared_is_in_doubt_from_the_end_of_its_batch_to_its_answer)
{
    struct ledger ledger;
    ledger_init(&ledger);

    push(&ledger, LEDGER_PARSE, 7);
    ledger_doubt(&ledger, ledger_at(&ledger, 0));
    ck_assert(!ledger_in_doubt(&ledger));
    push(&ledger, LEDGER_SYNC, 0);
    ck_assert(ledger_in_doubt(&ledger));
    ledger_pop(&ledger);

    ck_assert(!ledger_in_doubt(&ledger));
    ledger_fini(&ledger);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("ledger");
    TCase *all = tcase_create("all");

    tcase_add_test(all, an_empty_ledger_owes_nothing);
    tcase_add_test(all, entries_come_out_in_the_order_in_which_they_went_in);
    tcase_add_test(all, a_new_entry_has_neither_argument_nor_note);
    tcase_add_loop_test(all, growing_keeps_the_order_from_wherever_the_ring_begins, 0,
                        LEDGER_INLINE);
    tcase_add_test(all, so_many_at_once_need_no_memory_of_their_own);
    tcase_add_test(all, shrinking_gives_the_memory_back_when_nothing_is_owed);
    tcase_add_test(all, query_function_call_and_sync_end_a_batch_and_nothing_else_does);
    tcase_add_test(all, a_server_that_skips_owes_nothing_before_the_next_sync);
    tcase_add_test(all, what_is_prepared_is_in_doubt_from_the_end_of_its_batch_to_its_answer);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
