// SPDX-License-Identifier: MIT
#include "secret/aws_keys.h"

#include "testing.h"

static const char text[] = "aws_access_key_id = outside\n"
                           "[default]\n"
                           "aws_access_key_id = D1\n"
                           "aws_secret_access_key = d/2=\n"
                           "[half]\n"
                           "aws_access_key_id = H1\n"
                           "[prod]\r\n"
                           "# aws_session_token = commented\r\n"
                           "\taws_access_key_id=P1\r\n"
                           "aws_secret_access_key =  p 2 \r\n"
                           "region = eu\r\n"
                           "aws_session_token = P3";

static bool parse(const char *profile, struct session *keys)
{
    *keys = (struct session){0};
    return aws_keys_parse_file(slice_str(text), profile, keys);
}

START_TEST(each_profile_has_its_own_keys)
{
    struct session keys;

    ck_assert(parse("default", &keys));
    ck_assert_str_eq(keys.parts[AWS_ACCESS_KEY], "D1");
    ck_assert_str_eq(keys.parts[AWS_SECRET_KEY], "d/2=");
    ck_assert_ptr_null(keys.parts[AWS_TOKEN]);
    session_fini(&keys);

    ck_assert(parse("prod", &keys));
    ck_assert_str_eq(keys.parts[AWS_ACCESS_KEY], "P1");
    ck_assert_str_eq(keys.parts[AWS_SECRET_KEY], "p 2");
    ck_assert_str_eq(keys.parts[AWS_TOKEN], "P3");
    session_fini(&keys);
}
END_TEST

START_TEST(a_profile_that_is_not_whole_is_none)
{
    struct session keys;

    ck_assert(!parse("half", &keys));
    ck_assert_ptr_null(keys.parts[AWS_ACCESS_KEY]);
    ck_assert(!parse("pro", &keys));
    ck_assert(!parse("", &keys));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("secret.aws_keys");
    TCase *tc = tcase_create("aws_keys");

    tcase_add_test(tc, each_profile_has_its_own_keys);
    tcase_add_test(tc, a_profile_that_is_not_whole_is_none);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
