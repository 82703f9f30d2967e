// SPDX-License-Identifier: MIT
#include "auth/md5.h"

#include "testing.h"

/* What PostgreSQL 15 stored for user alice with password secret. */
static const char stored[] = "md54a0a68b43b6cd5cf266fa02f196e2371";

START_TEST(stores_what_postgresql_stores)
{
    char out[MD5_WORD + 1];

    int rc = md5_store(slice_str("secret"), slice_str("alice"), out);

    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(out, stored);
}
END_TEST

START_TEST(answers_hash_the_hex_and_the_salt)
{
    const uint8_t salt[MD5_SALT] = {1, 2, 3, 255};
    char out[MD5_WORD + 1];

    int rc = md5_answer(stored, salt, out);

    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(out, "md55f0388cdae34fff99488f7c4c4a91735");
}
END_TEST

START_TEST(words_are_md5_and_32_lower_case_hex_digits)
{
    ck_assert(md5_is_word(slice_str(stored)));
    ck_assert(!md5_is_word(slice_str("md54a0a68b43b6cd5cf266fa02f196e237")));
    ck_assert(!md5_is_word(slice_str("md54a0a68b43b6cd5cf266fa02f196e23711")));
    ck_assert(!md5_is_word(slice_str("md54A0A68B43B6CD5CF266FA02F196E2371")));
    ck_assert(!md5_is_word(slice_str("md64a0a68b43b6cd5cf266fa02f196e2371")));
    ck_assert(!md5_is_word(SLICE_EMPTY));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("auth.md5");
    TCase *tc = tcase_create("md5");

    tcase_add_test(tc, stores_what_postgresql_stores);
    tcase_add_test(tc, answers_hash_the_hex_and_the_salt);
    tcase_add_test(tc, words_are_md5_and_32_lower_case_hex_digits);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
