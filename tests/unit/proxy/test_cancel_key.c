// SPDX-License-Identifier: MIT
#include "proxy/cancel_key.h"

#include "testing.h"

static const uint8_t secret[CANCEL_SECRET] = "0123456789abcdef";

START_TEST(a_key_can_be_made_again)
{
    struct cancel_key told = cancel_key_make(secret, 7, 42, true);
    struct cancel_key made = cancel_key_make(secret, 7, 42, true);

    ck_assert(cancel_key_equal(&told, &made));
    ck_assert_uint_eq(told.n, CANCEL_KEY_LONG);
}
END_TEST

START_TEST(another_client_has_another_key)
{
    struct cancel_key mine = cancel_key_make(secret, 7, 42, false);
    struct cancel_key yours = cancel_key_make(secret, 7, 43, false);

    ck_assert(!cancel_key_equal(&mine, &yours));
}
END_TEST

START_TEST(another_worker_makes_other_keys)
{
    static const uint8_t other[CANCEL_SECRET] = "0123456789abcdeg";
    struct cancel_key mine = cancel_key_make(secret, 7, 42, false);
    struct cancel_key yours = cancel_key_make(other, 7, 42, false);

    ck_assert(!cancel_key_equal(&mine, &yours));
}
END_TEST

START_TEST(no_piece_of_a_long_key_is_another_again)
{
    struct cancel_key key = cancel_key_make(secret, 7, 42, true);

    for (size_t i = 0; i < CANCEL_KEY_LONG; i += 8) {
        for (size_t j = 0; j < i; j += 8) {
            ck_assert_mem_ne(key.bytes + i, key.bytes + j, 8);
        }
    }
}
END_TEST

START_TEST(a_short_key_fits_no_long_one)
{
    struct cancel_key is_long = cancel_key_make(secret, 7, 42, true);
    struct cancel_key is_short = cancel_key_read(7, slice_of(is_long.bytes, CANCEL_KEY_SHORT));

    ck_assert(!cancel_key_equal(&is_long, &is_short));
}
END_TEST

START_TEST(a_key_of_another_length_fits_nobody)
{
    struct cancel_key read = cancel_key_read(7, slice_str("12345"));

    ck_assert(!cancel_key_equal(&read, &read));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("cancel_key");
    TCase *cases = tcase_create("cancel_key");

    tcase_add_test(cases, a_key_can_be_made_again);
    tcase_add_test(cases, another_client_has_another_key);
    tcase_add_test(cases, another_worker_makes_other_keys);
    tcase_add_test(cases, no_piece_of_a_long_key_is_another_again);
    tcase_add_test(cases, a_short_key_fits_no_long_one);
    tcase_add_test(cases, a_key_of_another_length_fits_nobody);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
