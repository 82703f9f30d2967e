// SPDX-License-Identifier: MIT
#include "ctl/options.h"

#include "testing.h"

static struct options options;

static void parse(int argc, char **argv)
{
    options_fini(&options);
    options_parse(&options, argc, argv);
}

#define PARSE(...)                                                                                 \
    do {                                                                                           \
        char *argv_[] = {"fahrenctl", __VA_ARGS__, NULL};                                          \
        parse((int)(sizeof argv_ / sizeof argv_[0]) - 1, argv_);                                   \
    } while (0)

static void tear_down(void)
{
    options_fini(&options);
}

START_TEST(words_become_one_command)
{
    PARSE("show", "tenants");

    ck_assert_int_eq(options.action, OPTION_RUN);
    ck_assert_str_eq((const char *)buf_slice(&options.command).p, "show tenants");
    ck_assert(!options.json);
    ck_assert_ptr_null(options.file);
}
END_TEST

START_TEST(options_stand_before_the_command)
{
    PARSE("-h", "db", "-p", "7", "-U", "me", "-c", "x.yaml", "--json", "reload");

    ck_assert_str_eq(options.host, "db");
    ck_assert_str_eq(options.port, "7");
    ck_assert_str_eq(options.user, "me");
    ck_assert_str_eq(options.file, "x.yaml");
    ck_assert(options.json);
    ck_assert_str_eq((const char *)buf_slice(&options.command).p, "reload");
}
END_TEST

START_TEST(what_follows_the_command_is_its_own)
{
    PARSE("kill_client", "-c");

    ck_assert_ptr_null(options.file);
    ck_assert_str_eq((const char *)buf_slice(&options.command).p, "kill_client -c");
}
END_TEST

START_TEST(help_and_version_need_no_command)
{
    PARSE("--help");
    ck_assert_int_eq(options.action, OPTION_HELP);
    PARSE("-V");
    ck_assert_int_eq(options.action, OPTION_VERSION);
}
END_TEST

START_TEST(import_is_no_command_of_the_console)
{
    PARSE("import", "pgbouncer.ini");

    ck_assert_int_eq(options.action, OPTION_IMPORT);
    ck_assert_str_eq(options.import, "pgbouncer.ini");
}
END_TEST

START_TEST(bad_usage_is_told)
{
    PARSE("import");
    ck_assert_int_eq(options.action, OPTION_BAD);
    PARSE("import", "a.ini", "b.ini");
    ck_assert_int_eq(options.action, OPTION_BAD);
    PARSE("--json");
    ck_assert_int_eq(options.action, OPTION_BAD);
    PARSE("--nonsense", "show", "version");
    ck_assert_int_eq(options.action, OPTION_BAD);
    PARSE("-p");
    ck_assert_int_eq(options.action, OPTION_BAD);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, words_become_one_command);
    tcase_add_test(tc, options_stand_before_the_command);
    tcase_add_test(tc, what_follows_the_command_is_its_own);
    tcase_add_test(tc, help_and_version_need_no_command);
    tcase_add_test(tc, import_is_no_command_of_the_console);
    tcase_add_test(tc, bad_usage_is_told);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
