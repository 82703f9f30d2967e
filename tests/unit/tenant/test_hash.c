// SPDX-License-Identifier: MIT
#include "tenant/hash.h"

#include "testing.h"

static const struct hash_key key = {.k0 = 1, .k1 = 2};

static uint64_t hash(const char *s, bool fold)
{
    return hash_bytes(&key, 0, slice_str(s), fold);
}

START_TEST(equal_bytes_have_equal_hashes)
{
    ck_assert_uint_eq(hash("a setting of some length", false),
                      hash("a setting of some length", false));
    ck_assert_uint_eq(hash("", false), hash("", false));
}
END_TEST

START_TEST(case_counts_unless_it_is_folded)
{
    ck_assert_uint_ne(hash("TimeZone", false), hash("timezone", false));
    ck_assert_uint_eq(hash("TimeZone", true), hash("timezone", true));
    ck_assert_uint_eq(hash("timezone", false), hash("TIMEZONE", true));
}
END_TEST

START_TEST(every_byte_and_the_length_count)
{
    char text[] = "0123456789abcdef0123456789";
    uint64_t whole = hash(text, false);

    for (size_t i = 0; i < sizeof text - 1; i++) {
        text[i] ^= 1;
        ck_assert_uint_ne(hash(text, false), whole);
        text[i] ^= 1;
    }
    ck_assert_uint_ne(hash_bytes(&key, 0, slice_of("\0", 1), false), hash("", false));
}
END_TEST

START_TEST(another_key_or_chain_gives_another_hash)
{
    struct hash_key other = {.k0 = 1, .k1 = 3};

    ck_assert_uint_ne(hash_bytes(&other, 0, slice_str("a"), false), hash("a", false));
    ck_assert_uint_ne(hash_bytes(&key, 7, slice_str("a"), false), hash("a", false));
}
END_TEST

START_TEST(keys_are_random)
{
    struct hash_key a;
    struct hash_key b;

    hash_key_init(&a);
    hash_key_init(&b);

    ck_assert(a.k0 != b.k0 || a.k1 != b.k1);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("hash");
    TCase *cases = tcase_create("hash");

    tcase_add_test(cases, equal_bytes_have_equal_hashes);
    tcase_add_test(cases, case_counts_unless_it_is_folded);
    tcase_add_test(cases, every_byte_and_the_length_count);
    tcase_add_test(cases, another_key_or_chain_gives_another_hash);
    tcase_add_test(cases, keys_are_random);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
