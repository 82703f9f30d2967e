// SPDX-License-Identifier: MIT
#include "world.h"

static struct world world;

static void set_up(void)
{
    world_start(&world);
}

static void tear_down(void)
{
    world_stop(&world);
}

/* ---- the session ---- */

START_TEST(the_greeting_has_what_drivers_look_at)
{
    int fd = world_open(&world, true, SLICE_EMPTY);
    struct buf in = {0};

    while (world_receive(fd, &in) && buf_size(&in) == 0) {
        world_turn(&world);
    }

    struct buf expected = {0};
    build_parameter_status(&expected, slice_str("server_version"),
                           slice_str("15.0/fahrend " FAHREND_VERSION));
    ck_assert_mem_eq(buf_slice(&in).p, buf_slice(&expected).p, buf_size(&expected));
    ck_assert_mem_eq(buf_slice(&in).p + buf_size(&in) - 6, "Z\0\0\0\5I", 6);
    buf_release(&expected);
    buf_release(&in);
    (void)close(fd);
}
END_TEST

START_TEST(what_was_sent_with_the_login_is_answered)
{
    struct buf pending = {0};

    build_query(&pending, "SHOW VERSION");
    world.fd = world_open(&world, true, buf_slice(&pending));
    buf_release(&pending);

    ck_assert_says(world_await(&world, world.fd, 2), "D:fahrend " FAHREND_VERSION "\nC:SHOW\nZ\n");
}
END_TEST

START_TEST(a_command_may_come_byte_by_byte)
{
    struct buf out = {0};

    world_login(&world, true);
    build_query(&out, "SHOW VERSION");
    for (size_t i = 0; i < buf_size(&out); i++) {
        ck_assert_int_eq(write(world.fd, buf_slice(&out).p + i, 1), 1);
        world_turn(&world);
    }
    buf_release(&out);

    ck_assert_str_eq(world_await(&world, world.fd, 1),
                     "T:version\nD:fahrend " FAHREND_VERSION "\nC:SHOW\nZ\n");
}
END_TEST

START_TEST(commands_that_wait_are_answered_in_their_order)
{
    struct buf out = {0};

    world_login(&world, true);
    build_query(&out, "SHOW LISTS");
    build_query(&out, "SHOW VERSION");
    build_query(&out, "NONSENSE");
    build_query(&out, "SHOW STATE");
    world_send(world.fd, &out);
    buf_release(&out);
    const char *text = world_await(&world, world.fd, 4);

    const char *lists = strstr(text, "T:list,items");
    const char *version = strstr(text, "T:version");
    const char *error = strstr(text, "E:ERROR 42601 invalid command 'NONSENSE', use SHOW HELP;");
    const char *state = strstr(text, "T:key,value");
    ck_assert(lists != NULL && version > lists && error > version && state > error);
}
END_TEST

START_TEST(an_empty_query_has_its_own_answer)
{
    world_login(&world, true);

    ck_assert_str_eq(world_ask(&world, " ; "), "I\nZ\n");
}
END_TEST

START_TEST(an_error_ends_nothing)
{
    world_login(&world, true);

    ck_assert_str_eq(world_ask(&world, "FOO"),
                     "E:ERROR 42601 invalid command 'FOO', use SHOW HELP;\nZ\n");
    ck_assert_says(world_ask(&world, "SHOW VERSION"), "C:SHOW");
}
END_TEST

START_TEST(a_terminate_closes)
{
    struct buf out = {0};

    world_login(&world, true);
    build_empty(&out, WIRE_TERMINATE);
    world_send(world.fd, &out);
    buf_release(&out);

    ck_assert_str_eq(world_await(&world, world.fd, 1), "-\n");
}
END_TEST

START_TEST(a_client_that_goes_while_it_waits_is_forgotten)
{
    struct buf out = {0};

    world_login(&world, true);
    build_query(&out, "SHOW CLIENTS");
    world_send(world.fd, &out);
    buf_release(&out);
    (void)close(world.fd);

    world.fd = world_open(&world, true, SLICE_EMPTY);
    (void)world_await(&world, world.fd, 1);
    ck_assert_says(world_ask(&world, "SHOW LISTS"), "D:consoles,1\n");
}
END_TEST

static const char *send_bytes(const char *bytes, size_t n)
{
    world_login(&world, true);
    ck_assert_int_eq(write(world.fd, bytes, n), (ssize_t)n);
    return world_await(&world, world.fd, 1);
}

START_TEST(bytes_that_are_no_message_end_the_session)
{
    ck_assert_says(send_bytes("Q\0\0\0\3", 5), "E:FATAL 08P01");
    ck_assert_str_eq(world_await(&world, world.fd, 1), "-\n");
}
END_TEST

START_TEST(a_message_that_is_too_long_is_refused_by_its_header)
{
    ck_assert_says(send_bytes("Q\0\1\0\0", 5), "E:FATAL 08P01 invalid message length");
}
END_TEST

START_TEST(a_message_of_an_unknown_type_ends_the_session)
{
    ck_assert_says(send_bytes("?\0\0\0\4", 5), "E:FATAL 08P01 invalid frontend message type 63");
}
END_TEST

START_TEST(a_query_without_its_terminator_ends_the_session)
{
    ck_assert_says(send_bytes("Q\0\0\0\6ab", 7), "E:FATAL 08P01 invalid Query message");
}
END_TEST

START_TEST(a_function_call_is_refused_and_the_session_goes_on)
{
    ck_assert_says(send_bytes("F\0\0\0\4", 5), "E:ERROR 0A000");
    ck_assert_says(world_ask(&world, "SHOW VERSION"), "C:SHOW");
}
END_TEST

/* ---- commands ---- */

START_TEST(stats_users_may_only_look)
{
    world_login(&world, false);

    ck_assert_says(world_ask(&world, "SHOW POOLS"), "C:SHOW\nZ\n");
    ck_assert_says(world_ask(&world, "RELOAD"), "E:ERROR 42501 ");
    ck_assert_says(world_ask(&world, "SHUTDOWN"), "E:ERROR 42501 ");
    ck_assert_says(world_ask(&world, "SET log.level = debug"), "E:ERROR 42501 ");
    ck_assert_str_eq(world_ask(&world, "SET client_encoding TO 'UTF8'"),
                     "N:NOTICE 00000 SET ignored\nC:SET\nZ\n");
    ck_assert_int_eq(world.reloads + world.shutdowns, 0);
}
END_TEST

START_TEST(a_reload_tells_what_it_changed)
{
    world_login(&world, true);

    ck_assert_str_eq(world_ask(&world, "RELOAD"),
                     "N:NOTICE 00000 changed log.level\n"
                     "N:NOTICE 00000 added tenants.initech\nC:RELOAD\nZ\n");
    ck_assert_int_eq(world.reloads, 1);
}
END_TEST

START_TEST(a_reload_that_fails_says_why)
{
    world.reload_result = -1;
    world_login(&world, true);

    ck_assert_says(world_ask(&world, "RELOAD"), "E:ERROR F0000 RELOAD failed: line 3\nZ\n");
}
END_TEST

START_TEST(a_shutdown_is_answered_before_it_begins)
{
    world_login(&world, true);

    ck_assert_str_eq(world_ask(&world, "SHUTDOWN WAIT_FOR_CLIENTS"), "C:SHUTDOWN\nZ\n");
    ck_assert_int_eq(world.shutdowns, 1);
    ck_assert_int_eq(world.shutdown_mode, ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS);
    (void)world_ask(&world, "SHUTDOWN WAIT_FOR_SERVERS");
    ck_assert_int_eq(world.shutdown_mode, ADMIN_SHUTDOWN_WAIT_FOR_SERVERS);
    (void)world_ask(&world, "SHUTDOWN");
    ck_assert_int_eq(world.shutdown_mode, ADMIN_SHUTDOWN_IMMEDIATE);
}
END_TEST

START_TEST(set_changes_the_log_level_and_nothing_else)
{
    world_login(&world, true);

    ck_assert_str_eq(world_ask(&world, "SET log.level = 'error'"), "C:SET\nZ\n");
    ck_assert(!log_enabled(LOG_WARNING));
    ck_assert_says(world_ask(&world, "SHOW CONFIG"), "D:log.level,error,info,yes\n");
    ck_assert_says(world_ask(&world, "SET log.level = loud"), "E:ERROR 22023");
    ck_assert_says(world_ask(&world, "SET listen.port = 1"),
                   "E:ERROR 0A000 \"listen.port\" cannot be changed by SET");
    log_configure(LOG_INFO, false);
}
END_TEST

START_TEST(what_drivers_ask_by_themselves_is_answered)
{
    world_login(&world, false);

    ck_assert_str_eq(world_ask(&world, "SHOW client_encoding"),
                     "T:client_encoding\nD:UTF8\nC:SHOW\nZ\n");
    ck_assert_str_eq(world_ask(&world, "SELECT 1"), "T:?column?\nD:1\nC:SELECT 1\nZ\n");
    ck_assert_says(world_ask(&world, "SELECT current_user;"), "D:monitor\n");
    ck_assert_says(world_ask(&world, "SELECT current_database()"), "D:fahrend\n");
    ck_assert_str_eq(world_ask(&world, "BEGIN ISOLATION LEVEL READ COMMITTED"), "C:BEGIN\nZ\n");
    ck_assert_str_eq(world_ask(&world, "ROLLBACK"), "C:ROLLBACK\nZ\n");
    ck_assert_says(world_ask(&world, "SET extra_float_digits = 3"), "C:SET\nZ\n");
}
END_TEST

START_TEST(help_lists_the_commands)
{
    world_login(&world, true);

    const char *text = world_ask(&world, "SHOW HELP");
    ck_assert_says(text, "N:NOTICE 00000 Console usage\n");
    ck_assert_says(text, "SHOW TENANTS ");
    ck_assert_says(text, "SET key = value ");
    ck_assert_says(text, "C:SHOW\nZ\n");
}
END_TEST

/* ---- what there is ---- */

START_TEST(tenants_are_those_of_the_registry)
{
    world_login(&world, true);

    const char *text = world_ask(&world, "SHOW TENANTS");
    ck_assert_says(text, "T:name,strategy,server,database,schema,role,state,clients,waiting,"
                         "connections,transactions,queries,errors,wait_us,");
    ck_assert_says(text, "D:acme,rls,main,app,,,active,0,0,");
    ck_assert_says(text, "D:globex,schema,main,app,tenant_globex,,active,0,0,");
    ck_assert_says(text, "D:umbrella,database,main,tenant_umbrella,,tenant_umbrella,active,");
}
END_TEST

START_TEST(figures_of_a_tenant_are_the_sums_of_the_workers)
{
    world_login(&world, true);
    for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
        struct account *account =
            account_find_or_add(&world.proxies[i].pools.accounts, NULL, slice_str("acme"));
        account->waiting = 2 + i;
        struct account_stats *stats = account_stats_of(account, "main", "app");
        stats->queries = 100;
        stats->errors = i;
    }

    ck_assert_says(world_ask(&world, "SHOW TENANTS"),
                   "D:acme,rls,main,app,,,active,0,5,0,0,200,1,");
}
END_TEST

START_TEST(a_tenant_of_the_template_is_shown_once_it_was_there)
{
    world_login(&world, true);
    (void)account_find_or_add(&world.proxies[1].pools.accounts, NULL, slice_str("visitor"));

    ck_assert_says(world_ask(&world, "SHOW TENANTS"), "D:visitor,rls,main,app,");
}
END_TEST

START_TEST(databases_that_are_named_are_shown)
{
    world_login(&world, true);

    const char *text = world_ask(&world, "SHOW DATABASES");
    ck_assert_says(text, "T:name,host,port,database,force_user,pool_size,");
    ck_assert_says(text, "D:app,127.0.0.1,1,app,NULL,20,");
    ck_assert_ptr_null(strstr(text, "{tenant}"));
}
END_TEST

START_TEST(consoles_are_clients_too)
{
    world_login(&world, true);

    ck_assert_says(world_ask(&world, "SHOW CLIENTS"), "D:C,admin,fahrend,none,active,");
    ck_assert_says(world_ask(&world, "SHOW LISTS"), "D:used_clients,1\n");
}
END_TEST

START_TEST(a_client_in_login_is_a_client)
{
    struct addr peer = {.family = 0};
    int fds[2];

    world_login(&world, true);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    proxy_accept(&world.proxies[1], fds[0], &peer, false);

    ck_assert_says(world_ask(&world, "SHOW LISTS"), "D:login_clients,1\n");
    ck_assert_says(world_ask(&world, "SHOW CLIENTS"), "D:C,,,none,login,");
    (void)close(fds[1]);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("console");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_greeting_has_what_drivers_look_at);
    tcase_add_test(tc, what_was_sent_with_the_login_is_answered);
    tcase_add_test(tc, a_command_may_come_byte_by_byte);
    tcase_add_test(tc, commands_that_wait_are_answered_in_their_order);
    tcase_add_test(tc, an_empty_query_has_its_own_answer);
    tcase_add_test(tc, an_error_ends_nothing);
    tcase_add_test(tc, a_terminate_closes);
    tcase_add_test(tc, a_client_that_goes_while_it_waits_is_forgotten);
    tcase_add_test(tc, bytes_that_are_no_message_end_the_session);
    tcase_add_test(tc, a_message_that_is_too_long_is_refused_by_its_header);
    tcase_add_test(tc, a_message_of_an_unknown_type_ends_the_session);
    tcase_add_test(tc, a_query_without_its_terminator_ends_the_session);
    tcase_add_test(tc, a_function_call_is_refused_and_the_session_goes_on);
    tcase_add_test(tc, stats_users_may_only_look);
    tcase_add_test(tc, a_reload_tells_what_it_changed);
    tcase_add_test(tc, a_reload_that_fails_says_why);
    tcase_add_test(tc, a_shutdown_is_answered_before_it_begins);
    tcase_add_test(tc, set_changes_the_log_level_and_nothing_else);
    tcase_add_test(tc, what_drivers_ask_by_themselves_is_answered);
    tcase_add_test(tc, help_lists_the_commands);
    tcase_add_test(tc, tenants_are_those_of_the_registry);
    tcase_add_test(tc, figures_of_a_tenant_are_the_sums_of_the_workers);
    tcase_add_test(tc, a_tenant_of_the_template_is_shown_once_it_was_there);
    tcase_add_test(tc, databases_that_are_named_are_shown);
    tcase_add_test(tc, consoles_are_clients_too);
    tcase_add_test(tc, a_client_in_login_is_a_client);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
