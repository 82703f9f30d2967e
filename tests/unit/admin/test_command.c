// SPDX-License-Identifier: MIT
#include "admin/command.h"

#include <stdio.h>

#include "testing.h"

static struct command parse(const char *text)
{
    struct command command;
    struct err err = {0};

    ck_assert_msg(command_parse(slice_str(text), &command, &err) == 0, "%s: %s", text, err.text);
    return command;
}

static struct err refusal(const char *text)
{
    struct command command;
    struct err err = {0};

    ck_assert_msg(command_parse(slice_str(text), &command, &err) == ERR_SYNTAX, "%s", text);
    ck_assert_str_eq(err_sqlstate(&err), "42601");
    return err;
}

START_TEST(keywords_are_read_in_any_case_with_any_space_and_a_semicolon)
{
    const char *const texts[] = {"SHOW VERSION", "show version", " \t\nShow\r\n  vErSiOn ; ",
                                 "SHOW VERSION;;", "select version"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_assert_str_eq(parse(texts[i]).kind->words, "show version");
    }
}
END_TEST

START_TEST(nothing_is_no_error)
{
    ck_assert_ptr_null(parse("").kind);
    ck_assert_ptr_null(parse(" ;; ").kind);
    ck_assert_uint_eq(command_columns(&(struct command){.kind = NULL}).count, 0);
}
END_TEST

START_TEST(the_longest_command_counts)
{
    ck_assert_str_eq(parse("SHUTDOWN").kind->words, "shutdown");
    ck_assert_str_eq(parse("SHUTDOWN WAIT_FOR_CLIENTS").kind->words, "shutdown wait_for_clients");
    ck_assert_str_eq(parse("SELECT version()").kind->words, "select version ( )");
}
END_TEST

START_TEST(what_is_no_command_is_named_in_the_error)
{
    ck_assert_str_eq(refusal("DROP TABLE x").text,
                     "invalid command 'DROP TABLE x', use SHOW HELP;");
    ck_assert_str_eq(refusal("SHOW NONSENSE").text,
                     "invalid command 'SHOW NONSENSE', use SHOW HELP;");
    (void)refusal("SHOW");
    (void)refusal("\"SHOW\" VERSION");
    (void)refusal("'SHOW' VERSION");
}
END_TEST

START_TEST(a_second_command_is_refused)
{
    (void)refusal("SELECT 1; DROP TABLE x");
    (void)refusal("BEGIN; RELOAD");
    (void)refusal("SHOW VERSION POOLS");
}
END_TEST

START_TEST(quotes_must_be_closed)
{
    (void)refusal("SHOW \"VERSION");
    (void)refusal("SET log.level = 'debug");
    (void)refusal("SET log.level = 'debug''");
}
END_TEST

START_TEST(an_assignment_has_a_key_and_a_value)
{
    struct command command = parse("set log.level = 'de''bug'");

    ck_assert_str_eq(command.kind->words, "set");
    ck_assert_str_eq(command.name, "log.level");
    ck_assert_str_eq(command.value, "de'bug");
    command = parse("SET \"a\"\"b\" TO 3;");
    ck_assert_str_eq(command.name, "a\"b");
    ck_assert_str_eq(command.value, "3");
}
END_TEST

START_TEST(an_assignment_of_a_list_keeps_the_first_value)
{
    struct command command = parse("SET datestyle TO ISO, MDY");

    ck_assert_str_eq(command.value, "ISO");
}
END_TEST

START_TEST(an_assignment_without_a_part_is_refused)
{
    (void)refusal("SET");
    (void)refusal("SET log.level");
    (void)refusal("LOG TENANT");
    (void)refusal("LOG TENANT acme debug now");
    (void)refusal("LOG TENANT acme 'debug'");
    (void)refusal("SET log.level =");
    (void)refusal("SET log.level debug");
    (void)refusal("SET = = =");
    (void)refusal("SET log.level = debug debug");
}
END_TEST

START_TEST(words_have_their_bounds)
{
    char text[600];
    int n = snprintf(text, sizeof text, "SET %063d = %0255d", 0, 0);

    ck_assert_int_eq((int)strlen(parse(text).name), 63);
    ck_assert_int_eq((int)strlen(parse(text).value), 255);
    text[n] = '0';
    text[n + 1] = '\0';
    (void)refusal(text);
    (void)snprintf(text, sizeof text, "SET %064d = 1", 0);
    (void)refusal(text);
}
END_TEST

START_TEST(too_many_words_are_refused)
{
    char text[1000];

    memset(text, '=', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)refusal(text);
}
END_TEST

START_TEST(every_row_of_the_table_can_be_said)
{
    for (size_t i = 0; i < command_kind_count; i++) {
        const struct command_kind *kind = &command_kinds[i];
        char text[200];
        static const char *const arguments[] = {
            "",      " name",       "",     " 1", " a = b", " ON t", " name", " name SET (a = b)",
            " name", " name debug", " more"};
        (void)snprintf(text, sizeof text, "%s%s", kind->words, arguments[kind->argument]);
        ck_assert_ptr_eq(parse(text).kind, kind);
        ck_assert_ptr_nonnull(kind->run);
    }
}
END_TEST

START_TEST(setup_names_a_tenant_tables_and_a_dry_run)
{
    struct command command =
        parse("setup rls FOR TENANT acme ON words, \"a, b\".\"c\", s.t DRY RUN;");

    ck_assert_str_eq(command.name, "acme");
    ck_assert_str_eq(command.tables, "words\n\"a, b\".\"c\"\ns.t\n");
    ck_assert(command.dry);
}
END_TEST

START_TEST(setup_may_name_nothing)
{
    struct command command = parse("SETUP RLS");

    ck_assert(!command.has_name && !command.dry);
    ck_assert_str_eq(command.tables, "");
}
END_TEST

START_TEST(what_setup_does_not_know_is_refused)
{
    const char *const texts[] = {"SETUP RLS ON",         "SETUP RLS ON a,",   "SETUP RLS ON , a",
                                 "SETUP RLS ON 'a'",     "SETUP RLS DRY",     "SETUP RLS words",
                                 "SETUP RLS FOR TENANT", "SETUP RLS ON a; b", "SETUP RLS DRY RUN x",
                                 "SETUP RLS ON \"a\nb\""};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)refusal(texts[i]);
    }
}
END_TEST

START_TEST(create_takes_options_as_json)
{
    struct command command = parse("create tenant acme WITH (pool.size = 5, strategy=schema,"
                                   " \"role\" = 'it''s \\ \"x\"', login = default) dry run;");

    ck_assert_str_eq(command.name, "acme");
    ck_assert_str_eq(command.options, "{\"pool.size\":\"5\",\"strategy\":\"schema\","
                                      "\"role\":\"it's \\\\ \\\"x\\\"\",\"login\":null}");
    ck_assert(command.dry);
    ck_assert_str_eq(parse("CREATE TENANT acme").options, "{}");
    ck_assert_str_eq(parse("CREATE TENANT acme WITH (a = 'x\ny')").options,
                     "{\"a\":\"x\\u000ay\"}");
}
END_TEST

START_TEST(alter_may_rotate_the_password)
{
    struct command command = parse("alter tenant acme Rotate password;");

    ck_assert(command.rotate);
    ck_assert_str_eq(command.name, "acme");
    ck_assert_str_eq(command.options, "{}");
    ck_assert(!parse("ALTER TENANT acme SET (rotate = password)").rotate);
}
END_TEST

START_TEST(what_create_does_not_know_is_refused)
{
    const char *const texts[] = {
        "CREATE TENANT",
        "CREATE TENANT 'a'",
        "CREATE TENANT a b",
        "CREATE TENANT a WITH",
        "CREATE TENANT a WITH x = 1",
        "CREATE TENANT a WITH ()",
        "CREATE TENANT a WITH (x)",
        "CREATE TENANT a WITH (x = )",
        "CREATE TENANT a WITH (x = 1",
        "CREATE TENANT a WITH (x = 1,)",
        "CREATE TENANT a WITH (x = 1) y",
        "CREATE TENANT a WITH (x = 1; DROP)",
        "CREATE TENANT a WITH ('x' = 1)",
        "CREATE TENANT a DRY",
        "CREATE TENANT a; DROP TENANT b",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)refusal(texts[i]);
    }
}
END_TEST

START_TEST(options_have_a_bound)
{
    struct buf text = {0};
    struct command command;
    struct err err = {0};

    buf_printf(&text, "CREATE TENANT a WITH (x = 1");
    for (int i = 0; i < 10; i++) {
        buf_printf(&text, ", k%d = '%0500d'", i, 0);
    }
    buf_printf(&text, ")");

    ck_assert_int_eq(command_parse(buf_slice(&text), &command, &err), ERR_SYNTAX);
    ck_assert_str_eq(err.text, "syntax error: the options have more than 4095 bytes");
    buf_release(&text);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("command");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, keywords_are_read_in_any_case_with_any_space_and_a_semicolon);
    tcase_add_test(tc, nothing_is_no_error);
    tcase_add_test(tc, the_longest_command_counts);
    tcase_add_test(tc, what_is_no_command_is_named_in_the_error);
    tcase_add_test(tc, a_second_command_is_refused);
    tcase_add_test(tc, quotes_must_be_closed);
    tcase_add_test(tc, an_assignment_has_a_key_and_a_value);
    tcase_add_test(tc, an_assignment_of_a_list_keeps_the_first_value);
    tcase_add_test(tc, an_assignment_without_a_part_is_refused);
    tcase_add_test(tc, words_have_their_bounds);
    tcase_add_test(tc, too_many_words_are_refused);
    tcase_add_test(tc, every_row_of_the_table_can_be_said);
    tcase_add_test(tc, setup_names_a_tenant_tables_and_a_dry_run);
    tcase_add_test(tc, setup_may_name_nothing);
    tcase_add_test(tc, what_setup_does_not_know_is_refused);
    tcase_add_test(tc, create_takes_options_as_json);
    tcase_add_test(tc, alter_may_rotate_the_password);
    tcase_add_test(tc, what_create_does_not_know_is_refused);
    tcase_add_test(tc, options_have_a_bound);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
