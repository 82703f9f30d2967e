// SPDX-License-Identifier: MIT
#include "pool/prepared.h"

#include "testing.h"

START_TEST(what_was_added_is_there_and_nothing_else)
{
    struct prepared p;
    prepared_init(&p);

    prepared_add(&p, 7);

    ck_assert(prepared_use(&p, 7));
    ck_assert(!prepared_use(&p, 8));
    prepared_clear(&p);
}
END_TEST

START_TEST(adding_twice_counts_once)
{
    struct prepared p;
    prepared_init(&p);

    prepared_add(&p, 7);
    prepared_add(&p, 7);

    ck_assert_uint_eq(p.count, 1);
    prepared_clear(&p);
}
END_TEST

START_TEST(the_least_recently_used_one_is_evicted)
{
    struct prepared p;
    prepared_init(&p);
    prepared_add(&p, 1);
    prepared_add(&p, 2);
    prepared_add(&p, 3);

    (void)prepared_use(&p, 1);

    ck_assert_uint_eq(prepared_evict(&p, 2), 2);
    ck_assert_uint_eq(prepared_evict(&p, 1), 3);
    ck_assert_uint_eq(prepared_evict(&p, 1), 0);
    ck_assert(prepared_use(&p, 1));
    prepared_clear(&p);
}
END_TEST

START_TEST(what_was_removed_is_gone)
{
    struct prepared p;
    prepared_init(&p);
    prepared_add(&p, 1);
    prepared_add(&p, 2);

    prepared_remove(&p, 1);
    prepared_remove(&p, 99);

    ck_assert(!prepared_use(&p, 1));
    ck_assert_uint_eq(p.count, 1);
    prepared_clear(&p);
}
END_TEST

START_TEST(clearing_leaves_nothing_and_may_be_followed_by_more)
{
    struct prepared p;
    prepared_init(&p);
    for (uint32_t i = 1; i <= 1000; i++) {
        prepared_add(&p, i);
    }

    prepared_clear(&p);

    ck_assert_uint_eq(p.count, 0);
    ck_assert(!prepared_use(&p, 500));
    prepared_add(&p, 500);
    ck_assert(prepared_use(&p, 500));
    prepared_clear(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("prepared");
    TCase *all = tcase_create("all");

    tcase_add_test(all, what_was_added_is_there_and_nothing_else);
    tcase_add_test(all, adding_twice_counts_once);
    tcase_add_test(all, the_least_recently_used_one_is_evicted);
    tcase_add_test(all, what_was_removed_is_gone);
    tcase_add_test(all, clearing_leaves_nothing_and_may_be_followed_by_more);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
