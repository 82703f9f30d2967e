// SPDX-License-Identifier: MIT
#include "world.h"

static struct world world;
static struct buf out;

static void set_up(void)
{
    world_start(&world);
    world_login(&world, true);
}

static void tear_down(void)
{
    buf_release(&out);
    world_stop(&world);
}

/* ---- messages ---- */

static void add_target(uint8_t type, char kind, const char *name)
{
    size_t start = build_begin(&out, type);

    buf_append_u8(&out, (uint8_t)kind);
    buf_append_cstr(&out, name);
    build_end(&out, start);
}

static void add_bind(const char *portal, const char *statement, int formats, uint16_t format)
{
    size_t start = build_begin(&out, WIRE_BIND);

    buf_append_cstr(&out, portal);
    buf_append_cstr(&out, statement);
    buf_append_be16(&out, 0);
    buf_append_be16(&out, 0);
    buf_append_be16(&out, (uint16_t)formats);
    for (int i = 0; i < formats; i++) {
        buf_append_be16(&out, format);
    }
    build_end(&out, start);
}

static void add_execute(const char *portal, uint32_t limit)
{
    size_t start = build_begin(&out, WIRE_EXECUTE);

    buf_append_cstr(&out, portal);
    buf_append_be32(&out, limit);
    build_end(&out, start);
}

/* Ends the batch and returns what is said to it. */
static const char *sync_batch(void)
{
    build_empty(&out, WIRE_SYNC);
    world_send(world.fd, &out);
    buf_clear(&out);
    return world_await(&world, world.fd, 1);
}

/* ---- what goes well ---- */

START_TEST(a_whole_batch_is_answered)
{
    build_parse(&out, "", "SHOW VERSION");
    add_bind("", "", 0, 0);
    add_target(WIRE_DESCRIBE, 'P', "");
    add_execute("", 0);

    ck_assert_str_eq(sync_batch(), "1\n2\nT:version\nD:fahrend " FAHREND_VERSION "\nC:SHOW\nZ\n");
}
END_TEST

START_TEST(a_named_statement_is_described_and_stays)
{
    build_parse(&out, "s", "SHOW VERSION");
    add_target(WIRE_DESCRIBE, 'S', "s");
    ck_assert_str_eq(sync_batch(), "1\nt\nT:version\nZ\n");

    for (int i = 0; i < 2; i++) {
        add_bind("", "s", 0, 0);
        add_execute("", 0);
        ck_assert_str_eq(sync_batch(), "2\nD:fahrend " FAHREND_VERSION "\nC:SHOW\nZ\n");
    }
}
END_TEST

START_TEST(a_command_that_asks_the_workers_waits_within_its_batch)
{
    build_parse(&out, "", "SHOW LISTS");
    add_bind("", "", 0, 0);
    add_execute("", 0);
    build_parse(&out, "", "RELOAD");
    add_bind("", "", 0, 0);
    add_target(WIRE_DESCRIBE, 'P', "");
    add_execute("", 0);

    const char *text = sync_batch();
    ck_assert_says(text, "D:consoles,1\n");
    ck_assert_says(text, "C:SHOW\n1\n2\nn\nN:NOTICE 00000 changed log.level\n");
    ck_assert_says(text, "C:RELOAD\nZ\n");
}
END_TEST

START_TEST(nothing_has_its_own_answer)
{
    build_parse(&out, "", "");
    add_bind("", "", 0, 0);
    add_target(WIRE_DESCRIBE, 'P', "");
    add_execute("", 0);

    ck_assert_str_eq(sync_batch(), "1\n2\nn\nI\nZ\n");
}
END_TEST

START_TEST(rows_come_by_and_by_where_that_is_asked)
{
    build_parse(&out, "", "SHOW STATE");
    add_bind("p", "", 0, 0);
    add_execute("p", 2);
    add_execute("p", 2);
    add_execute("p", 2);

    ck_assert_str_eq(sync_batch(), "1\n2\nD:active,yes\nD:paused,no\ns\nD:suspended,no\nC:SHOW\n"
                                   "C:SHOW\nZ\n");
}
END_TEST

START_TEST(a_number_may_be_had_in_binary)
{
    build_parse(&out, "", "SELECT 1");
    add_bind("", "", 1, 1);
    add_execute("", 0);
    build_empty(&out, WIRE_SYNC);
    world_send(world.fd, &out);
    buf_clear(&out);
    static const uint8_t expected[] = {'1', 0, 0, 0, 4, '2', 0, 0, 0, 4, 'D', 0, 0, 0, 18,
                                       0,   1, 0, 0, 0, 8,   0, 0, 0, 0, 0,   0, 0, 1};

    while (world_receive(world.fd, &world.in) && buf_size(&world.in) < sizeof expected) {
        world_turn(&world);
    }
    ck_assert_mem_eq(buf_slice(&world.in).p, expected, sizeof expected);
}
END_TEST

START_TEST(a_closed_statement_is_gone)
{
    build_parse(&out, "s", "SHOW VERSION");
    add_target(WIRE_CLOSE, 'S', "s");
    add_target(WIRE_CLOSE, 'S', "s");
    add_bind("", "s", 0, 0);

    ck_assert_str_eq(sync_batch(),
                     "1\n3\n3\nE:ERROR 26000 prepared statement \"s\" does not exist\nZ\n");
}
END_TEST

START_TEST(a_flush_needs_no_sync)
{
    build_parse(&out, "", "SHOW VERSION");
    build_empty(&out, WIRE_FLUSH);
    world_send(world.fd, &out);
    buf_clear(&out);

    while (world_receive(world.fd, &world.in) && buf_size(&world.in) < 5) {
        world_turn(&world);
    }
    ck_assert_mem_eq(buf_slice(&world.in).p, "1\0\0\0\4", 5);
}
END_TEST

/* ---- what does not ---- */

START_TEST(after_an_error_all_is_passed_over_up_to_sync)
{
    build_parse(&out, "", "NONSENSE");
    add_bind("", "", 0, 0);
    add_execute("", 0);
    build_query(&out, "SHOW VERSION");

    ck_assert_str_eq(sync_batch(), "E:ERROR 42601 invalid command 'NONSENSE', use SHOW HELP;\nZ\n");
    ck_assert_says(world_ask(&world, "SHOW VERSION"), "C:SHOW\n");
}
END_TEST

START_TEST(a_command_that_fails_ends_its_batch)
{
    world.reload_result = -1;
    build_parse(&out, "", "RELOAD");
    add_bind("", "", 0, 0);
    add_execute("", 0);
    add_execute("", 0);

    ck_assert_says(sync_batch(), "E:ERROR F0000 RELOAD failed: line 3\nZ\n");
    ck_assert_int_eq(world.reloads, 1);
}
END_TEST

START_TEST(a_portal_ends_with_its_batch)
{
    build_parse(&out, "s", "SHOW VERSION");
    add_bind("p", "s", 0, 0);
    ck_assert_str_eq(sync_batch(), "1\n2\nZ\n");

    add_execute("p", 0);
    ck_assert_str_eq(sync_batch(), "E:ERROR 34000 portal \"p\" does not exist\nZ\n");
}
END_TEST

START_TEST(a_name_in_use_is_refused_but_for_the_unnamed)
{
    build_parse(&out, "", "SHOW VERSION");
    build_parse(&out, "", "SHOW STATE");
    add_bind("", "", 0, 0);
    add_bind("", "", 0, 0);
    build_parse(&out, "s", "SHOW VERSION");
    build_parse(&out, "s", "SHOW VERSION");

    ck_assert_str_eq(sync_batch(), "1\n1\n2\n2\n1\n"
                                   "E:ERROR 42P05 prepared statement \"s\" already exists\nZ\n");
}
END_TEST

START_TEST(parameters_are_refused)
{
    struct slice one = slice_str("1");

    build_parse(&out, "", "SHOW VERSION");
    build_bind(&out, "", &one, 1);

    ck_assert_says(sync_batch(), "1\nE:ERROR 08P01 bind message supplies 1 parameters");
}
END_TEST

START_TEST(formats_must_fit_the_columns)
{
    build_parse(&out, "", "SHOW STATE");
    add_bind("", "", 3, 0);
    ck_assert_says(sync_batch(), "1\nE:ERROR 08P01 bind message has 3 result formats");

    build_parse(&out, "", "SHOW STATE");
    add_bind("", "", 1, 2);
    ck_assert_says(sync_batch(), "1\nE:ERROR 22023 unsupported format code: 2");
}
END_TEST

START_TEST(statements_are_bounded)
{
    char name[16];
    const char *text = "";

    for (int i = 0; i <= 256; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        build_parse(&out, name, "SHOW VERSION");
        text = sync_batch();
        ck_assert_msg((i < 256) == (strcmp(text, "1\nZ\n") == 0), "%d: %s", i, text);
    }
    ck_assert_says(text, "E:ERROR 53300 ");
}
END_TEST

START_TEST(malformed_bodies_are_errors)
{
    static const uint8_t types[] = {WIRE_PARSE, WIRE_BIND, WIRE_DESCRIBE, WIRE_EXECUTE, WIRE_CLOSE};

    for (size_t i = 0; i < sizeof types; i++) {
        size_t start = build_begin(&out, types[i]);
        buf_append_u8(&out, 'x');
        build_end(&out, start);
        ck_assert_says(sync_batch(), "E:ERROR 08P01 invalid ");
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("extended");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_whole_batch_is_answered);
    tcase_add_test(tc, a_named_statement_is_described_and_stays);
    tcase_add_test(tc, a_command_that_asks_the_workers_waits_within_its_batch);
    tcase_add_test(tc, nothing_has_its_own_answer);
    tcase_add_test(tc, rows_come_by_and_by_where_that_is_asked);
    tcase_add_test(tc, a_number_may_be_had_in_binary);
    tcase_add_test(tc, a_closed_statement_is_gone);
    tcase_add_test(tc, a_flush_needs_no_sync);
    tcase_add_test(tc, after_an_error_all_is_passed_over_up_to_sync);
    tcase_add_test(tc, a_command_that_fails_ends_its_batch);
    tcase_add_test(tc, a_portal_ends_with_its_batch);
    tcase_add_test(tc, a_name_in_use_is_refused_but_for_the_unnamed);
    tcase_add_test(tc, parameters_are_refused);
    tcase_add_test(tc, formats_must_fit_the_columns);
    tcase_add_test(tc, statements_are_bounded);
    tcase_add_test(tc, malformed_bodies_are_errors);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
