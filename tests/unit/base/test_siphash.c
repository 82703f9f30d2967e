// SPDX-License-Identifier: MIT
#include "base/siphash.h"

#include "testing.h"

/* The example of the paper's appendix A: fifteen bytes 00 to 0e under the key 00 to 0f. */
START_TEST(it_says_what_its_authors_say)
{
    struct siphash s = siphash_begin(0x0706050403020100U, 0x0f0e0d0c0b0a0908U);

    siphash_absorb(&s, 0x0706050403020100U, 2);
    siphash_absorb(&s, 0x0f0e0d0c0b0a0908U, 2); /* the length, 15, ahead of seven bytes */

    ck_assert_uint_eq(siphash_end(&s, 4), 0xa129ca6149be45e5U);
}
END_TEST

START_TEST(another_key_says_another_thing)
{
    struct siphash a = siphash_begin(1, 2);
    struct siphash b = siphash_begin(1, 3);

    siphash_absorb(&a, 7, 2);
    siphash_absorb(&b, 7, 2);

    ck_assert_uint_ne(siphash_end(&a, 4), siphash_end(&b, 4));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("siphash");
    TCase *cases = tcase_create("siphash");

    tcase_add_test(cases, it_says_what_its_authors_say);
    tcase_add_test(cases, another_key_says_another_thing);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
