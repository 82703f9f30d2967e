// SPDX-License-Identifier: MIT
//
// What is written is loaded again: the cases look at the configuration, not at its text.
#include "ctl/import.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/err.h"
#include "config/load.h"
#include "ctl/import_keys.h"
#include "testing.h"

static char folder[] = "/tmp/fahrenctl-import-XXXXXX";
static const struct config *config;
static struct buf notes;
static char *said; /* the notes as a C string */

static void write_file(const char *name, const char *text)
{
    char *path = x_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    (void)fputs(text, f);
    (void)fclose(f);
    free(path);
}

static void set_up(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/fahrenctl-import-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    config = NULL;
    said = NULL;
}

static void tear_down(void)
{
    static const char *const names[] = {"a.ini", "b.ini", "users.txt"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = x_printf("%s/%s", folder, names[i]);
        (void)unlink(path);
        free(path);
    }
    (void)rmdir(folder);
    config_unref(config);
    buf_release(&notes);
    free(said);
}

static void load(const struct buf *yaml)
{
    struct config_faults faults = {0};

    (void)config_parse("out.yaml", buf_slice(yaml), &config, &faults);
    ck_assert_msg(config != NULL, "%s in\n%.*s", faults.count > 0 ? faults.items[0].text : "",
                  (int)buf_size(yaml), (const char *)buf_slice(yaml).p);
    config_faults_fini(&faults);
}

/* Imports a file a.ini of this text. */
static void import(const char *text)
{
    struct buf yaml = {0};
    char *path = x_printf("%s/a.ini", folder);

    write_file("a.ini", text);
    int rc = import_file(path, &yaml, &notes);
    said = x_strndup(buf_slice(&notes));
    ck_assert_msg(rc == 0, "%s", said);
    load(&yaml);
    buf_release(&yaml);
    free(path);
}

/* Imports what has a fault. */
static void ck_refused(const char *text, const char *expected)
{
    struct buf yaml = {0};
    struct buf told = {0};

    ck_assert_int_eq(import_text("a.ini", slice_str(text), &yaml, &told), ERR_CONFIG);
    ck_assert_int_eq((int)buf_size(&yaml), 0);
    ck_assert_slice_str(buf_slice(&told), expected);
    buf_release(&told);
}

static const struct tenant_config *tenant(const char *name)
{
    const struct tenant_entry *found = config_tenant(config, slice_str(name));

    ck_assert_msg(found != NULL, "no tenant %s", name);
    return found->config;
}

#define DATABASES "[databases]\napp = host=127.0.0.1 port=5433\n"

START_TEST(defaults_are_those_of_pgbouncer)
{
    import(DATABASES "[pgbouncer]\n");

    ck_assert_int_eq(config->auth.method, AUTH_MD5);
    ck_assert_int_eq(tenant("app")->pool.mode, POOL_SESSION);
    ck_assert_int_eq(tenant("app")->pool.size, 20);
    ck_assert_int_eq(config->limits.clients, 100);
    ck_assert_int_eq((int)config->listen.address.count, 0);
    ck_assert_str_eq(config->listen.unix_dir, "/tmp");
    ck_assert_int_eq(config->servers[0].max_connections, 0);
    ck_assert_int_eq(config->tenancy.unknown, UNKNOWN_REJECT);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_database_becomes_a_tenant_named_by_the_database)
{
    import(DATABASES "other = host=10.0.0.1 dbname=real user=boss password='it''s'\n");

    ck_assert_int_eq((int)config->tenancy.resolve.count, 1);
    ck_assert_int_eq(config->tenancy.resolve.items[0].kind, RULE_DATABASE);
    ck_assert_str_eq(config->tenancy.resolve.items[0].pattern, "{tenant}");
    ck_assert_int_eq(tenant("app")->strategy, STRATEGY_NONE);
    ck_assert_str_eq(tenant("app")->database, "{tenant}");
    ck_assert_int_eq(tenant("app")->login.kind, LOGIN_CLIENT);
    ck_assert_int_eq(config_server(config, tenant("app")->server)->port, 5433);
    ck_assert_str_eq(tenant("other")->database, "real");
    ck_assert_int_eq(tenant("other")->login.kind, LOGIN_FIXED);
    ck_assert_str_eq(tenant("other")->login.user, "boss");
    ck_assert_str_eq(tenant("other")->login.password.value, "it's");
    ck_assert_str_eq(config_server(config, tenant("other")->server)->host.items[0], "10.0.0.1");
    ck_assert_int_eq(config_server(config, tenant("other")->server)->port, 5432);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_star_lets_in_every_name)
{
    import("[databases]\n* = host=h pool_size=7 max_db_connections=3 user=u\napp = host=h\n");

    ck_assert_int_eq(config->tenancy.unknown, UNKNOWN_TEMPLATE);
    ck_assert_int_eq(config->defaults.pool.size, 7);
    ck_assert_int_eq(config->defaults.limits.connections, 3);
    ck_assert_int_eq(config->defaults.login.kind, LOGIN_FIXED);
    ck_assert_int_eq(tenant("app")->pool.size, 20);
    ck_assert_int_eq(tenant("app")->limits.connections, 0);
    ck_assert_int_eq(tenant("app")->login.kind, LOGIN_CLIENT);
    ck_assert_str_eq(tenant("app")->database, "{tenant}");
}
END_TEST

START_TEST(names_of_one_database_keep_pools_of_their_own)
{
    import("[databases]\na = host=h dbname=x\nb = host=h dbname=x pool_size=3\nc = host=h\n"
           "d = host=other dbname=x\n");

    bool apart =
        tenant("a")->strategy == STRATEGY_DATABASE || tenant("b")->strategy == STRATEGY_DATABASE;
    ck_assert(apart);
    ck_assert_int_eq(tenant("b")->strategy, STRATEGY_DATABASE);
    ck_assert_str_eq(tenant("b")->dedicated.name, "x");
    ck_assert_str_eq(tenant("a")->database, "x");
    ck_assert_int_eq(tenant("b")->pool.size, 3);
    ck_assert_int_eq(tenant("c")->strategy, STRATEGY_NONE);
    ck_assert_int_eq(tenant("d")->strategy, STRATEGY_NONE);
}
END_TEST

START_TEST(a_star_to_one_database_keeps_pools_apart)
{
    import("[databases]\n* = host=h dbname=x\na = host=h\nb = host=h dbname=y\n");

    ck_assert_int_eq(config->defaults.strategy, STRATEGY_DATABASE);
    ck_assert_str_eq(config->defaults.dedicated.name, "x");
    ck_assert_int_eq(tenant("a")->strategy, STRATEGY_NONE);
    ck_assert_str_eq(tenant("a")->database, "{tenant}");
    ck_assert_str_eq(tenant("b")->database, "y");
}
END_TEST

START_TEST(another_name_of_what_a_star_reaches_keeps_its_pool)
{
    import("[databases]\n* = host=h\na = host=h dbname=y\nb = host=h\n");

    ck_assert_int_eq(tenant("a")->strategy, STRATEGY_DATABASE);
    ck_assert_str_eq(tenant("a")->dedicated.name, "y");
    ck_assert_int_eq(tenant("b")->strategy, STRATEGY_NONE);
}
END_TEST

START_TEST(settings_of_a_database_go_before_the_global_ones)
{
    import("[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 5\nserver_lifetime = 60\n"
           "max_db_connections = 9\n"
           "[databases]\na = host=h\nb = host=h pool_mode=session pool_size=2 server_lifetime=0 "
           "max_db_connections=0 reserve_pool=4 query_wait_timeout=3\n");

    ck_assert_int_eq(tenant("a")->pool.mode, POOL_TRANSACTION);
    ck_assert_int_eq(tenant("a")->pool.size, 5);
    ck_assert_int_eq(tenant("b")->pool.mode, POOL_SESSION);
    ck_assert_int_eq(tenant("b")->pool.size, 2);
    ck_assert_int_eq(tenant("b")->pool.reserve_size, 4);
    ck_assert_int_eq((int)tenant("b")->pool.lifetime, 60000);
    ck_assert_int_eq(tenant("b")->limits.connections, 9);
    ck_assert_int_eq((int)tenant("b")->timeouts.query_wait, 3000);
    ck_assert_int_eq((int)tenant("a")->timeouts.query_wait, 120000);
}
END_TEST

START_TEST(seconds_become_times)
{
    import(DATABASES
           "[pgbouncer]\nquery_timeout = 1.5\nserver_connect_timeout = 90\n"
           "client_idle_timeout = 0\nserver_lifetime = 0\nidle_transaction_timeout = .0001\n"
           "server_idle_timeout = 31536000\n");

    ck_assert_int_eq((int)tenant("app")->timeouts.query, 1500);
    ck_assert_int_eq((int)config->servers[0].connect_timeout, 90000);
    ck_assert_int_eq((int)tenant("app")->timeouts.client_idle, 0);
    ck_assert_int_eq((int)tenant("app")->pool.lifetime, 1);
    ck_assert_int_eq((int)tenant("app")->timeouts.idle_transaction, 1);
    ck_assert_int_eq((int)(tenant("app")->pool.idle_timeout / 86400000), 24);
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:7: server_lifetime: 0 means something else here"));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:9: server_idle_timeout: 31536000 is out of bounds"));
}
END_TEST

START_TEST(no_limit_stays_none)
{
    import(DATABASES "[pgbouncer]\ndefault_pool_size = 0\nquery_wait_timeout = 0\n"
                     "server_check_query =\n");

    ck_assert_int_eq(tenant("app")->pool.size, 0);
    ck_assert_int_eq((int)tenant("app")->timeouts.query_wait, 0);
    ck_assert_int_ge((int)(tenant("app")->pool.check_delay / 86400000), 24);
}
END_TEST

START_TEST(users_are_taken_with_any_kind_of_secret)
{
    write_file("users.txt", "\"app\" \"null\"\n\"we\"\"ird\" \"p\\w: {\xc3\xa9\x7f}\"\n"
                            "\"hash\" \"md5e807f1fcf82d132f9bb018ca6738a19f\"\n\"app\" \"later\"\n"
                            "\"none\" \"\"\n");
    import(DATABASES "[pgbouncer]\nauth_file = users.txt\nmax_user_client_connections = 4\n"
                     "[users]\nhash = max_user_client_connections=2\n");

    ck_assert_int_eq((int)config->user_count, 3);
    ck_assert_str_eq(config_user(config, slice_str("app"))->password.value, "later");
    ck_assert_int_eq(config_user(config, slice_str("app"))->limits.clients, 4);
    ck_assert_str_eq(config_user(config, slice_str("we\"ird"))->password.value,
                     "p\\w: {\xc3\xa9\x7f}");
    ck_assert_int_eq(config_user(config, slice_str("hash"))->limits.clients, 2);
    ck_assert_ptr_nonnull(strstr(said, "users.txt:5: user none was left out"));
}
END_TEST

START_TEST(a_forced_user_logs_in_with_the_password_of_the_auth_file)
{
    write_file("users.txt", "\"boss\" \"secret\"\n");
    import("[databases]\na = host=h user=boss\n[pgbouncer]\nauth_file = users.txt\n");

    ck_assert_str_eq(tenant("a")->login.password.value, "secret");
}
END_TEST

START_TEST(auth_types_are_translated)
{
    static const struct {
        const char *theirs;
        enum auth_method ours;
        bool noted;
    } cases[] = {{"plain", AUTH_PASSWORD, false}, {"scram-sha-256", AUTH_SCRAM, false},
                 {"trust", AUTH_TRUST, false},    {"md5", AUTH_MD5, false},
                 {"hba", AUTH_SCRAM, true},       {"cert", AUTH_SCRAM, true},
                 {"pam", AUTH_SCRAM, true},       {"ldap", AUTH_SCRAM, true}};

    write_file("users.txt", "\"app\" \"secret\"\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        (void)snprintf(text, sizeof text,
                       DATABASES "[pgbouncer]\nauth_file = users.txt\nauth_type = %s\n",
                       cases[i].theirs);
        import(text);
        ck_assert_int_eq(config->auth.method, cases[i].ours);
        ck_assert_int_eq(strstr(said, "auth_type") != NULL, cases[i].noted);
        config_unref(config);
        buf_release(&notes);
        free(said);
    }
    config = NULL;
    said = NULL;
}
END_TEST

/* In fahrend, trust without users lets in everybody. */
START_TEST(trust_without_users_lets_in_nobody)
{
    import(DATABASES "[pgbouncer]\nauth_type = trust\n");

    ck_assert_int_eq(config->auth.method, AUTH_SCRAM);
    ck_assert_int_eq((int)config->user_count, 0);
    ck_assert_ptr_nonnull(strstr(said, "auth_type = trust"));
}
END_TEST

START_TEST(any_asks_nobody_who_he_is)
{
    write_file("users.txt", "\"boss\" \"secret\"\n");
    import("[databases]\na = host=h user=boss\nb = host=h password=x\n"
           "[pgbouncer]\nauth_type = any\nauth_file = users.txt\n");

    ck_assert_int_eq(config->auth.method, AUTH_TRUST);
    ck_assert_int_eq((int)config->user_count, 0);
    ck_assert_str_eq(tenant("a")->login.password.value, "secret");
    ck_assert_ptr_null(strstr(said, "database a"));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:3: database b: password without user"));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:3: database b: auth_type = any needs a user"));
}
END_TEST

START_TEST(an_include_is_read_beside_the_file)
{
    write_file("b.ini", "listen_port = 7000\n[databases]\nincluded = host=h\n");
    import("[pgbouncer]\n%include b.ini\nbehind = host=h\n");

    ck_assert_int_eq(config->listen.port, 7000);
    ck_assert_ptr_nonnull(tenant("included"));
    ck_assert_ptr_nonnull(tenant("behind"));
}
END_TEST

START_TEST(files_that_include_one_another_come_to_an_end)
{
    struct buf yaml = {0};
    char *path = x_printf("%s/a.ini", folder);

    write_file("a.ini", "%include a.ini\n");
    ck_assert_int_eq(import_file(path, &yaml, &notes), ERR_CONFIG);
    said = x_strndup(buf_slice(&notes));
    ck_assert_ptr_nonnull(strstr(said, "files include one another more than 10 deep"));
    free(path);
}
END_TEST

START_TEST(what_has_no_counterpart_is_told)
{
    import(DATABASES "b = host=h connect_query='select 1'\n"
                     "[users]\napp = pool_mode=session\n"
                     "[pgbouncer]\ntcp_keepalive = 1\ntcp_keepidle = 30\npool_mode = statement\n"
                     "server_tls_protocols = all\nauth_query = select 1\n"
                     "[peers]\n1 = host=x\n");

    ck_assert_ptr_nonnull(strstr(said, "/a.ini:3: connect_query: "));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:5: pool_mode: no counterpart for a user"));
    ck_assert_ptr_null(strstr(said, "tcp_keepalive: "));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:8: tcp_keepidle: "));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:10: server_tls_protocols: "));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:11: auth_query: "));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:13: host: "));
    ck_assert_int_eq(tenant("app")->pool.mode, POOL_STATEMENT);
}
END_TEST

START_TEST(encryption_is_asked_for_as_before)
{
    import("[pgbouncer]\nlisten_addr = 127.0.0.1\nclient_tls_sslmode = verify-full\n"
           "client_tls_key_file = /k\nclient_tls_cert_file = /c\nclient_tls_ca_file = /a\n"
           "server_tls_sslmode = verify-full\nserver_tls_ca_file = /s\n" DATABASES);

    ck_assert_int_eq(config->listen.tls.mode, TLS_VERIFY_CA); /* what it means to PgBouncer */
    ck_assert_str_eq(config->listen.tls.certificate, "/c");
    ck_assert_str_eq(config->listen.tls.key, "/k");
    ck_assert_str_eq(config->listen.tls.ca, "/a");
    ck_assert_int_eq(config->servers[0].tls.mode, TLS_VERIFY_FULL);
    ck_assert_str_eq(config->servers[0].tls.ca, "/s");
}
END_TEST

START_TEST(ciphers_of_tls13_are_kept_and_empty_words_are_none)
{
    import(DATABASES "[pgbouncer]\nclient_tls_ca_file =\nclient_tls13_ciphers =\n"
                     "server_tls13_ciphers = TLS_AES_128_CCM_SHA256\n");

    ck_assert_ptr_null(config->listen.tls.ca);
    ck_assert_ptr_null(config->listen.tls.tls13_ciphers);
    ck_assert_str_eq(config->servers[0].tls.tls13_ciphers, "TLS_AES_128_CCM_SHA256");
}
END_TEST

START_TEST(what_cannot_be_a_tenant_is_left_out)
{
    import(DATABASES "\"with space\" = host=h\ndefaults = host=h\nx = host=h dbname='{a}'\n"
                     "y = host=@abstract\nfahrend = host=h\n");

    ck_assert_int_eq((int)config->tenant_count, 2);
    ck_assert_str_eq(config->admin.database, "pgbouncer");
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:3: database with space was left out"));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:4: database defaults was left out"));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:5: database x was left out"));
    ck_assert_ptr_nonnull(strstr(said, "/a.ini:6: database y was left out"));
}
END_TEST

START_TEST(faults_name_file_and_line)
{
    ck_refused("key = 1\n", "a.ini:1: a key stands before the first [section]\n");
    ck_refused("[pgbouncer]\nlisten_prot = 1\n",
               "a.ini:2: unknown key \"listen_prot\" in [pgbouncer], did you mean "
               "\"listen_port\"?\n");
    ck_refused("[pgbouncer]\npool_mode = fast\n", "a.ini:2: pool_mode cannot be \"fast\"\n");
    ck_refused("[pgbouncer]\nmax_client_conn = 10k\n",
               "a.ini:2: max_client_conn must be a whole number, not \"10k\"\n");
    ck_refused("[pgbouncer]\nquery_timeout = 5s\n",
               "a.ini:2: query_timeout must be a number of seconds, not \"5s\"\n");
    ck_refused("[pgbouncer]\nverbose = debug\n", "a.ini:2: verbose cannot be \"debug\"\n");
    ck_refused("[other]\n", "a.ini:1: unknown section [other]\n");
    ck_refused("[databases]\na = host\n",
               "a.ini:2: expected = behind a key of the connection string\n");
    ck_refused("[databases]\npgbouncer = host=h\n",
               "a.ini:2: the database name \"pgbouncer\" is reserved\n");
    ck_refused("[pgbouncer]\nauth_file = /nonexistent/users\n",
               "a.ini:2: /nonexistent/users: No such file or directory\n");
    ck_refused("[pgbouncer]\nlogfile = \xff\n", "a.ini:2: the value of logfile is not UTF-8\n");
    ck_refused("[pgbouncer]\n",
               "a.ini: no line of [databases] can be written: there is nothing to connect to\n");
}
END_TEST

START_TEST(what_would_not_load_is_a_fault)
{
    ck_refused(DATABASES "[pgbouncer]\nunix_socket_dir = "
                         "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
                         "0123456789/0123456789/0123456789\n",
               "a.ini: cannot be written: listen.unix_dir: is longer than 92 bytes\n");
}
END_TEST

START_TEST(every_row_of_the_table_leads_somewhere)
{
    for (size_t i = 0; i < import_key_count; i++) {
        const struct import_key *key = &import_keys[i];
        int ways = (key->path != NULL) + (key->advice != NULL) + key->own;
        ck_assert_msg(ways == 1, "%s", key->name);
        ck_assert_msg(key->path == NULL || schema_find(key->scope, key->path) != NULL, "%s",
                      key->path);
        ck_assert_ptr_eq(import_key_find(key->section, key->name), key);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("import");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, defaults_are_those_of_pgbouncer);
    tcase_add_test(tc, a_database_becomes_a_tenant_named_by_the_database);
    tcase_add_test(tc, a_star_lets_in_every_name);
    tcase_add_test(tc, names_of_one_database_keep_pools_of_their_own);
    tcase_add_test(tc, a_star_to_one_database_keeps_pools_apart);
    tcase_add_test(tc, another_name_of_what_a_star_reaches_keeps_its_pool);
    tcase_add_test(tc, settings_of_a_database_go_before_the_global_ones);
    tcase_add_test(tc, seconds_become_times);
    tcase_add_test(tc, no_limit_stays_none);
    tcase_add_test(tc, users_are_taken_with_any_kind_of_secret);
    tcase_add_test(tc, a_forced_user_logs_in_with_the_password_of_the_auth_file);
    tcase_add_test(tc, auth_types_are_translated);
    tcase_add_test(tc, trust_without_users_lets_in_nobody);
    tcase_add_test(tc, any_asks_nobody_who_he_is);
    tcase_add_test(tc, an_include_is_read_beside_the_file);
    tcase_add_test(tc, files_that_include_one_another_come_to_an_end);
    tcase_add_test(tc, what_has_no_counterpart_is_told);
    tcase_add_test(tc, encryption_is_asked_for_as_before);
    tcase_add_test(tc, ciphers_of_tls13_are_kept_and_empty_words_are_none);
    tcase_add_test(tc, what_cannot_be_a_tenant_is_left_out);
    tcase_add_test(tc, faults_name_file_and_line);
    tcase_add_test(tc, what_would_not_load_is_a_fault);
    tcase_add_test(tc, every_row_of_the_table_leads_somewhere);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
