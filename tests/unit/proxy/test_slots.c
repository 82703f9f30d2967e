// SPDX-License-Identifier: MIT
#include "proxy/slots.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "testing.h"

/* A frontend is only a pointer here. */
static struct frontend *nth(size_t i)
{
    return (struct frontend *)(uintptr_t)(16 * (i + 1));
}

START_TEST(a_client_is_found_by_its_process_id)
{
    struct slots slots = {0};

    uint32_t slot = slots_take(&slots, nth(7));

    ck_assert_ptr_eq(slots_find(&slots, slot_pid(5, slot)), nth(7));
    slots_give(&slots, slot);
    slots_fini(&slots);
}
END_TEST

START_TEST(a_process_id_tells_its_worker)
{
    for (uint32_t worker = 0; worker < SLOT_WORKERS; worker++) {
        ck_assert_uint_eq(slot_worker(slot_pid(worker, 0)), worker);
        ck_assert_uint_eq(slot_worker(slot_pid(worker, (1U << SLOT_BITS) - 1)), worker);
    }
}
END_TEST

/* Drivers keep it in a signed number. */
START_TEST(a_process_id_is_a_positive_signed_number)
{
    ck_assert_int_gt((int32_t)slot_pid(0, 0), 0);
    ck_assert_int_gt((int32_t)slot_pid(SLOT_WORKERS - 1, (1U << SLOT_BITS) - 1), 0);
}
END_TEST

START_TEST(a_slot_given_back_finds_nobody)
{
    struct slots slots = {0};

    uint32_t slot = slots_take(&slots, nth(0));
    slots_give(&slots, slot);

    ck_assert_ptr_null(slots_find(&slots, slot_pid(0, slot)));
    slots_fini(&slots);
}
END_TEST

START_TEST(a_process_id_beyond_the_table_finds_nobody)
{
    struct slots slots = {0};

    ck_assert_ptr_null(slots_find(&slots, slot_pid(0, 0)));
    uint32_t slot = slots_take(&slots, nth(0));
    ck_assert_ptr_null(slots_find(&slots, slot_pid(0, (1U << SLOT_BITS) - 1)));
    ck_assert_ptr_null(slots_find(&slots, UINT32_MAX));

    slots_give(&slots, slot);
    slots_fini(&slots);
}
END_TEST

#define MANY 10000

START_TEST(thousands_have_slots_of_their_own)
{
    struct slots slots = {0};
    uint32_t *taken = x_alloc(MANY * sizeof *taken);

    for (size_t i = 0; i < MANY; i++) {
        taken[i] = slots_take(&slots, nth(i));
    }
    for (size_t i = 0; i < MANY; i += 2) {
        slots_give(&slots, taken[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_ptr_eq(slots_find(&slots, slot_pid(0, taken[i])), i % 2 == 0 ? NULL : nth(i));
    }

    free(taken);
    slots_fini(&slots);
}
END_TEST

START_TEST(slots_given_back_are_used_again)
{
    struct slots slots = {0};
    uint32_t first = slots_take(&slots, nth(0));
    uint32_t size = slots.size;

    for (int i = 0; i < MANY; i++) {
        slots_give(&slots, first);
        first = slots_take(&slots, nth(1));
    }

    ck_assert_uint_eq(slots.size, size);
    slots_fini(&slots);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("slots");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_client_is_found_by_its_process_id);
    tcase_add_test(all, a_process_id_tells_its_worker);
    tcase_add_test(all, a_process_id_is_a_positive_signed_number);
    tcase_add_test(all, a_slot_given_back_finds_nobody);
    tcase_add_test(all, a_process_id_beyond_the_table_finds_nobody);
    tcase_add_test(all, thousands_have_slots_of_their_own);
    tcase_add_test(all, slots_given_back_are_used_again);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
