// SPDX-License-Identifier: MIT
#include "pool/seal.h"

#include "testing.h"

#define KEY "0123456789abcdef0123456789abcdef"

static const struct seal_subject acme = {
    .tenant = "acme", .pid = 4711, .start = "1700000000000001"};

static struct seal_key make_key(const char *secret)
{
    struct seal_key key = {0};

    seal_key_set(&key, "app.tenant_seal", secret);
    return key;
}

START_TEST(a_seal_is_the_hmac_of_pid_start_and_tenant)
{
    char hex[SEAL_HEX];

    seal_sign(slice_str(KEY), slice_str("acme"), 4711, slice_str("1700000000000001"), hex);

    /* printf fahrend/1/4711/1700000000000001/acme | openssl dgst -sha256 -hmac KEY */
    ck_assert_slice_str(slice_of(hex, sizeof hex),
                        "06697c067c97f69bfe19bb2c1d81f3393b217dc2d55b3d0d79351813873bef4e");
}
END_TEST

static const struct {
    const char *tenant;
    uint32_t pid;
    const char *start;
    const char *key;
} others[] = {
    {"acm", 4711, "1700000000000001", KEY},   {"acme", 4712, "1700000000000001", KEY},
    {"acme", 4711, "1700000000000002", KEY},  {"acme", 4711, "1700000000000001", KEY "!"},
    {"1/acme", 4711, "170000000000000", KEY},
};

START_TEST(every_part_changes_it)
{
    char one[SEAL_HEX];
    char two[SEAL_HEX];
    seal_sign(slice_str(KEY), slice_str("acme"), 4711, slice_str("1700000000000001"), one);

    seal_sign(slice_str(others[_i].key), slice_str(others[_i].tenant), others[_i].pid,
              slice_str(others[_i].start), two);

    ck_assert_mem_ne(one, two, SEAL_HEX);
}
END_TEST

START_TEST(a_seal_is_made_once_for_a_tenant_on_a_connection)
{
    struct seal_key key = make_key(KEY);
    struct seal_cache cache = {0};
    struct slice first = seal_make(&cache, &key, &acme);
    cache.hex[0] = '~'; /* so that it shows whether it is made anew */

    struct slice second = seal_make(&cache, &key, &acme);

    ck_assert_ptr_eq(first.p, second.p);
    ck_assert_int_eq(second.p[0], '~');
    seal_key_fini(&key);
}
END_TEST

START_TEST(another_tenants_key_makes_it_anew)
{
    struct seal_key key = make_key(KEY);
    struct seal_key other = make_key(KEY);
    struct seal_cache cache = {0};
    struct seal_subject bravo = {.tenant = "bravo", .pid = acme.pid, .start = acme.start};
    char first[SEAL_HEX];
    memcpy(first, seal_make(&cache, &key, &acme).p, SEAL_HEX);

    struct slice second = seal_make(&cache, &other, &bravo);

    ck_assert_mem_ne(first, second.p, SEAL_HEX);
    seal_key_fini(&key);
    seal_key_fini(&other);
}
END_TEST

START_TEST(a_changed_key_makes_it_anew)
{
    struct seal_key key = make_key(KEY);
    struct seal_cache cache = {0};
    char first[SEAL_HEX];
    memcpy(first, seal_make(&cache, &key, &acme).p, SEAL_HEX);

    seal_key_set(&key, "app.tenant_seal", KEY "new");

    ck_assert_mem_ne(first, seal_make(&cache, &key, &acme).p, SEAL_HEX);
    seal_key_fini(&key);
}
END_TEST

START_TEST(the_same_key_is_no_change)
{
    struct seal_key key = make_key(KEY);
    uint32_t version = key.version;

    seal_key_set(&key, "app.tenant_seal", KEY);

    ck_assert_uint_eq(key.version, version);
    seal_key_fini(&key);
}
END_TEST

START_TEST(without_a_secret_a_tenant_is_not_sealed)
{
    struct seal_key key = make_key(KEY);

    seal_key_set(&key, "app.tenant_seal", NULL);

    ck_assert(!seal_key_is_set(&key));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("seal");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_seal_is_the_hmac_of_pid_start_and_tenant);
    tcase_add_loop_test(all, every_part_changes_it, 0, sizeof others / sizeof others[0]);
    tcase_add_test(all, a_seal_is_made_once_for_a_tenant_on_a_connection);
    tcase_add_test(all, another_tenants_key_makes_it_anew);
    tcase_add_test(all, a_changed_key_makes_it_anew);
    tcase_add_test(all, the_same_key_is_no_change);
    tcase_add_test(all, without_a_secret_a_tenant_is_not_sealed);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
