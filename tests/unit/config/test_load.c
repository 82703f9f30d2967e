// SPDX-License-Identifier: MIT
//
// load: whole files to snapshots, with decode, merge and the samples of conf/.
#include "config/load.h"

#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/err.h"
#include "testing.h"

#define SERVERS "servers: {main: {}}\n"

/* A snapshot of a text that must be good. */
static const struct config *parse(const char *text)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;

    int result = config_parse("/etc/fahrend/t.yaml", slice_str(text), &config, &faults);
    ck_assert_msg(result == 0, "%d:%d: %s", faults.count ? faults.items[0].line : 0,
                  faults.count ? faults.items[0].column : 0,
                  faults.count ? faults.items[0].text : "");
    config_faults_fini(&faults);
    return config;
}

static const struct tenant_config *tenant(const struct config *config, const char *name)
{
    const struct tenant_entry *entry = config_tenant(config, slice_str(name));

    ck_assert_ptr_nonnull(entry);
    ck_assert_str_eq(entry->name, name);
    return entry->config;
}

START_TEST(a_server_is_enough)
{
    const struct config *c = parse(SERVERS);

    ck_assert_str_eq(c->file, "/etc/fahrend/t.yaml");
    ck_assert_int_eq(c->listen.port, 6432);
    ck_assert_str_eq(c->listen.address.items[0], "127.0.0.1");
    ck_assert_str_eq(c->listen.unix_dir, "/run/fahrend");
    ck_assert_int_eq(c->listen.tls.mode, TLS_DISABLE);
    ck_assert_int_eq(c->workers, 0);
    ck_assert_int_eq(c->auth.method, AUTH_SCRAM);
    ck_assert_int_eq(c->limits.clients, 10000);
    ck_assert_int_eq(c->limits.login_timeout, 60000);
    ck_assert_int_eq(c->limits.message_size, 1 << 30);
    ck_assert_int_eq(c->log.level, LOG_INFO);
    ck_assert_int_eq(c->http.port, 9632);
    ck_assert_uint_eq(c->server_count, 1);
    ck_assert_str_eq(c->servers[0].name, "main");
    ck_assert_int_eq(c->servers[0].tls.mode, TLS_PREFER);
    ck_assert_int_eq(c->servers[0].connect_timeout, 15000);
    ck_assert_uint_eq(c->tenant_count, 0);
    ck_assert_str_eq(c->defaults.server, "main");
    ck_assert_ptr_null(c->defaults.database);
    ck_assert_int_eq(c->defaults.strategy, STRATEGY_RLS);
    ck_assert_int_eq(c->defaults.pool.mode, POOL_TRANSACTION);
    ck_assert_int_eq(c->defaults.pool.lifetime, 3600000);
    ck_assert_str_eq(c->defaults.pool.reset_query, "DISCARD ALL");
    ck_assert_int_eq(c->defaults.timeouts.query_wait, 120000);
    config_unref(c);
}
END_TEST

START_TEST(a_tenant_is_the_defaults_with_its_own_keys)
{
    const struct config *c =
        parse(SERVERS "tenants:\n"
                      "  acme: {pool: {size: 3}, rls: {column: org}}\n"
                      "  defaults: {pool: {size: 9, mode: session}, database: app}\n"
                      "  globex:\n");
    const struct tenant_config *acme = tenant(c, "acme");
    const struct tenant_config *globex = tenant(c, "globex");

    ck_assert_int_eq(acme->pool.size, 3);
    ck_assert_int_eq(acme->pool.mode, POOL_SESSION);
    ck_assert_str_eq(acme->rls.column, "org");
    ck_assert_str_eq(acme->rls.setting, "app.tenant");
    ck_assert_str_eq(acme->database, "app");
    ck_assert_int_eq(globex->pool.size, 9);
    ck_assert_str_eq(globex->rls.column, "tenant_id");
    ck_assert_int_eq(c->defaults.pool.size, 9);
    ck_assert_uint_eq(c->tenant_count, 2);
    config_unref(c);
}
END_TEST

START_TEST(settings_merge_by_name_case_aside)
{
    const struct config *c =
        parse(SERVERS "tenants:\n"
                      "  defaults: {settings: {work_mem: 4MB, TimeZone: UTC, jit: on}}\n"
                      "  acme: {settings: {timezone: Europe/Berlin, jit: null, a.b: 1}}\n");
    const struct settings *s = &tenant(c, "acme")->settings;

    ck_assert_uint_eq(s->count, 3);
    ck_assert_str_eq(s->items[0].name, "work_mem");
    ck_assert_str_eq(s->items[1].name, "timezone");
    ck_assert_str_eq(s->items[1].value, "Europe/Berlin");
    ck_assert_str_eq(s->items[2].name, "a.b");
    ck_assert_str_eq(s->items[2].value, "1");
    ck_assert_uint_eq(c->defaults.settings.count, 3);
    ck_assert_str_eq(c->defaults.settings.items[1].value, "UTC");
    config_unref(c);
}
END_TEST

START_TEST(null_takes_an_inherited_name_away)
{
    const struct config *c = parse(SERVERS "tenants:\n"
                                           "  defaults: {database: app}\n"
                                           "  acme: {database: null}\n");

    ck_assert_ptr_null(tenant(c, "acme")->database);
    config_unref(c);
}
END_TEST

START_TEST(logins_have_three_forms)
{
    const struct config *c =
        parse(SERVERS "tenants:\n"
                      "  a: {login: client}\n"
                      "  b: {login: tenant}\n"
                      "  c: {login: {user: \"app_{tenant}\", password: {env: PW}}}\n");

    ck_assert_int_eq(tenant(c, "a")->login.kind, LOGIN_CLIENT);
    ck_assert_int_eq(tenant(c, "b")->login.kind, LOGIN_TENANT);
    ck_assert_int_eq(tenant(c, "c")->login.kind, LOGIN_FIXED);
    ck_assert_str_eq(tenant(c, "c")->login.user, "app_{tenant}");
    ck_assert_int_eq(tenant(c, "c")->login.password.kind, SECRET_ENV);
    ck_assert_str_eq(tenant(c, "c")->login.password.value, "PW");
    config_unref(c);
}
END_TEST

START_TEST(an_inherited_secret_keeps_its_index)
{
    const struct config *c = parse(SERVERS "tenants:\n"
                                           "  defaults: {login: {user: u, password: one}}\n"
                                           "  a:\n"
                                           "  b: {login: {user: u, password: two}}\n");
    uint32_t shared = c->defaults.login.password.index;
    uint32_t own = tenant(c, "b")->login.password.index;

    ck_assert_uint_eq(tenant(c, "a")->login.password.index, shared);
    ck_assert_uint_ne(own, shared);
    ck_assert_uint_eq(c->secret_use_count, 3);
    ck_assert_int_eq(c->secret_uses[0].ref.kind, SECRET_NONE);
    ck_assert_str_eq(c->secret_uses[shared].path, "tenants.defaults.login.password");
    ck_assert_str_eq(c->secret_uses[own].path, "tenants.b.login.password");
    ck_assert_str_eq(c->secret_uses[own].ref.value, "two");
    config_unref(c);
}
END_TEST

START_TEST(secrets_have_five_forms)
{
    const struct config *c = parse(SERVERS "users:\n"
                                           "  a: {password: word}\n"
                                           "  b: {password: {env: NAME}}\n"
                                           "  c: {password: {file: pw}}\n"
                                           "  d: {password: {exec: [cmd, \"\"]}}\n"
                                           "  e: {password: {store: s, id: app, key: pw}}\n"
                                           "secrets: {providers: {s: {directory: here}}}\n");

    ck_assert_int_eq(c->users[0].password.kind, SECRET_TEXT);
    ck_assert_str_eq(c->users[0].password.value, "word");
    ck_assert_int_eq(c->users[1].password.kind, SECRET_ENV);
    ck_assert_int_eq(c->users[2].password.kind, SECRET_FILE);
    ck_assert_int_eq(c->users[3].password.kind, SECRET_EXEC);
    ck_assert_uint_eq(c->users[3].password.argv.count, 2);
    ck_assert_str_eq(c->users[3].password.argv.items[0], "cmd");
    ck_assert_int_eq(c->users[4].password.kind, SECRET_STORE);
    ck_assert_ptr_eq(c->users[4].password.provider, &c->secrets.providers[0]);
    ck_assert_str_eq(c->users[4].password.value, "app");
    ck_assert_str_eq(c->users[4].password.field, "pw");
    config_unref(c);
}
END_TEST

START_TEST(rules_keep_their_order)
{
    const struct config *c = parse(SERVERS "tenancy:\n"
                                           "  resolve:\n"
                                           "    - parameter: app.tenant\n"
                                           "    - user: \"{user}.{tenant}\"\n"
                                           "    - database: \"{database}@{tenant}\"\n"
                                           "    - sni: \"{tenant}.db.example.com\"\n"
                                           "    - application_name: "
                                           "\"{tenant}/{application_name}\"\n"
                                           "    - certificate: cn\n");
    const struct resolve_rules *r = &c->tenancy.resolve;

    ck_assert_uint_eq(r->count, 6);
    for (int kind = RULE_PARAMETER; kind <= RULE_CERTIFICATE; kind++) {
        ck_assert_int_eq(r->items[kind].kind, kind);
    }
    ck_assert_str_eq(r->items[2].pattern, "{database}@{tenant}");
    config_unref(c);
}
END_TEST

START_TEST(names_are_found_and_others_are_not)
{
    const struct config *c = parse("servers: {a: {}, b: {}}\n"
                                   "users: {u1: {password: x}, u2: {password: x}}\n"
                                   "tenants: {t1: {}, t2: {server: b}, t3: {}}\n");

    ck_assert_str_eq(config_server(c, "b")->name, "b");
    ck_assert_ptr_null(config_server(c, "c"));
    ck_assert_str_eq(config_user(c, slice_str("u2"))->name, "u2");
    ck_assert_ptr_null(config_user(c, slice_str("u")));
    ck_assert_str_eq(tenant(c, "t2")->server, "b");
    ck_assert_str_eq(tenant(c, "t3")->server, "a");
    ck_assert_ptr_null(config_tenant(c, slice_str("defaults")));
    ck_assert_ptr_null(config_tenant(c, SLICE_EMPTY));
    config_unref(c);
}
END_TEST

START_TEST(ten_thousand_tenants_are_all_found)
{
    struct buf text = {0};
    struct config_faults faults = {0};
    const struct config *c = NULL;
    char name[16];

    buf_printf(&text, SERVERS "tenants:\n  defaults: &d {pool: {size: 3}}\n");
    for (int i = 0; i < 10000; i++) {
        buf_printf(&text, "  t%d: *d\n", i);
    }
    ck_assert_int_eq(config_parse("t.yaml", buf_slice(&text), &c, &faults), 0);

    ck_assert_uint_eq(c->tenant_count, 10000);
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof name, "t%d", i);
        ck_assert_ptr_eq(tenant(c, name), tenant(c, "t0"));
    }
    ck_assert_ptr_null(config_tenant(c, slice_str("t10000")));
    config_unref(c);
    config_faults_fini(&faults);
    buf_release(&text);
}
END_TEST

START_TEST(tenants_that_say_the_same_share_what_it_comes_to)
{
    const struct config *c = parse(SERVERS "tenants:\n"
                                           "  a: {strategy: schema, settings: {work_mem: 5MB}}\n"
                                           "  b: {strategy: schema, settings: {work_mem: 5MB}}\n"
                                           "  c: {strategy: schema, settings: {work_mem: 6MB}}\n"
                                           "  d: {}\n"
                                           "  e: {}\n");

    ck_assert_ptr_eq(tenant(c, "a"), tenant(c, "b"));
    ck_assert_ptr_ne(tenant(c, "a"), tenant(c, "c"));
    ck_assert_ptr_eq(tenant(c, "d"), tenant(c, "e"));
    ck_assert_str_eq(tenant(c, "c")->settings.items[0].value, "6MB");
    config_unref(c);
}
END_TEST

START_TEST(a_fault_is_told_of_each_tenant_that_has_it)
{
    struct config_faults faults = {0};
    const struct config *c = NULL;

    ck_assert_int_lt(config_parse("t.yaml",
                                  slice_str(SERVERS "tenants:\n"
                                                    "  a: {stratgy: schema}\n"
                                                    "  b: {stratgy: schema}\n"),
                                  &c, &faults),
                     0);

    ck_assert_uint_eq(faults.count, 2);
    ck_assert_int_eq(faults.items[0].line, 3);
    ck_assert_int_eq(faults.items[1].line, 4);
    config_faults_fini(&faults);
}
END_TEST

START_TEST(the_last_reference_ends_it)
{
    const struct config *c = parse(SERVERS);

    ck_assert_ptr_eq(config_ref(c), c);
    config_unref(c);
    ck_assert_str_eq(c->servers[0].name, "main"); /* the sanitizer sees it when it is freed */
    config_unref(c);
    config_unref(NULL);
    ck_assert_ptr_null(config_ref(NULL));
}
END_TEST

START_TEST(tenant_names_have_a_narrow_grammar)
{
    char long_name[65];

    memset(long_name, 'a', sizeof long_name);
    ck_assert(config_valid_tenant_name(slice_str("acme")));
    ck_assert(config_valid_tenant_name(slice_str("_9.a-B")));
    ck_assert(config_valid_tenant_name(slice_of(long_name, 63)));
    ck_assert(!config_valid_tenant_name(slice_of(long_name, 64)));
    ck_assert(!config_valid_tenant_name(SLICE_EMPTY));
    ck_assert(!config_valid_tenant_name(slice_str(".a")));
    ck_assert(!config_valid_tenant_name(slice_str("-a")));
    ck_assert(!config_valid_tenant_name(slice_str("a b")));
    ck_assert(!config_valid_tenant_name(slice_str("a\"b")));
    ck_assert(!config_valid_tenant_name(slice_of("a\0b", 3)));
    ck_assert(!config_valid_tenant_name(slice_str("\xC3\xA4")));
}
END_TEST

/* The file that users are shown, whole. */
static const char everything[] =
    "listen:\n"
    "  address: [\"127.0.0.1\"]\n"
    "  port: 6432\n"
    "  unix_dir: /run/fahrend\n"
    "  tls: {mode: prefer, certificate: server.crt, key: server.key, ca: clients.crt}\n"
    "workers: auto\n"
    "servers:\n"
    "  main:\n"
    "    host: 127.0.0.1\n"
    "    port: 5432\n"
    "    role: any\n"
    "    max_connections: 90\n"
    "    tls: {mode: prefer, ca: ca.crt, certificate: client.crt, key: client.key}\n"
    "    admin: {user: postgres, password: {file: /run/secrets/admin}, database: postgres}\n"
    "auth:\n"
    "  method: scram-sha-256\n"
    "  hba_file: /etc/fahrend/hba.conf\n"
    "  query: {server: main, database: app, user: auth_reader, password: {env: A}, sql: \"SELECT "
    "1\", cache: 10s}\n"
    "users:\n"
    "  app:\n"
    "    password: {env: APP_PASSWORD}\n"
    "    tenants: [\"*\"]\n"
    "  acme_owner: {password: {env: B}, tenants: [acme]}\n"
    "tenancy:\n"
    "  resolve:\n"
    "    - parameter: app.tenant\n"
    "    - user: \"{user}.{tenant}\"\n"
    "    - database: \"{database}@{tenant}\"\n"
    "    - sni: \"{tenant}.db.example.com\"\n"
    "    - application_name: \"{tenant}/{application_name}\"\n"
    "    - certificate: cn\n"
    "  unknown: reject\n"
    "  registry: {server: main, database: app}\n"
    "tenants:\n"
    "  defaults:\n"
    "    server: main\n"
    "    database: app\n"
    "    strategy: rls\n"
    "    login: client\n"
    "    role: \"tenant_{tenant}\"\n"
    "    rls: {setting: app.tenant, seal: false, column: tenant_id, tables: [], setup: manual}\n"
    "    schema: {name: \"tenant_{tenant}\", search_path: \"{schema}\", template: \"schema.sql\"}\n"
    "    dedicated: {name: \"tenant_{tenant}\", template: template1}\n"
    "    settings: {statement_timeout: 30s}\n"
    "    reset: tenant\n"
    "    assert: switch\n"
    "    pool: {mode: transaction, size: 20, shards: 1, min_size: 0, reserve_size: 0, "
    "reserve_timeout: 5s,\n"
    "           idle_timeout: 10m, lifetime: 1h, prepared_statements: 200, check_delay: 30s, "
    "reset_query: DISCARD ALL}\n"
    "    limits: {clients: 0, connections: 0, waiting: 0, weight: 1}\n"
    "    timeouts: {query_wait: 2m, query: 0, transaction: 0, idle_transaction: 0, client_idle: "
    "0}\n"
    "  acme: {strategy: schema}\n"
    "  globex: {strategy: database, pool: {mode: session, size: 5}}\n"
    "limits: {clients: 10000, clients_per_address: 0, login_timeout: 60s}\n"
    "secrets:\n"
    "  store: files\n"
    "  providers:\n"
    "    files: {directory: /var/lib/fahrend/secrets}\n"
    "    aws: {type: aws-secrets-manager, region: eu-central-1, prefix: \"prod/fahrend/\", "
    "endpoint: \"\"}\n"
    "    vault: {type: vault, address: \"https://vault:8200\", mount: kv, prefix: fahrend/, token: "
    "{file: t}}\n"
    "    master: {type: derive, key: {file: k}}\n"
    "admin: {database: fahrend, users: [admin], stats_users: [monitor]}\n"
    "http: {address: 127.0.0.1, port: 9632}\n"
    "log: {level: info, format: text}\n";

START_TEST(every_key_that_is_promised_is_kept)
{
    const struct config *c = parse(everything);

    ck_assert_str_eq(c->listen.tls.certificate, "/etc/fahrend/server.crt");
    ck_assert_str_eq(c->servers[0].tls.ca, "/etc/fahrend/ca.crt");
    ck_assert_str_eq(c->servers[0].admin.user, "postgres");
    ck_assert_str_eq(c->servers[0].admin.password.value, "/run/secrets/admin");
    ck_assert_str_eq(c->auth.hba_file, "/etc/fahrend/hba.conf");
    ck_assert_str_eq(c->auth.query.user, "auth_reader");
    ck_assert_str_eq(c->auth.query.sql, "SELECT 1");
    ck_assert_int_eq(c->auth.query.cache, 10000);
    ck_assert_str_eq(c->users[1].tenants.items[0], "acme");
    ck_assert_str_eq(c->tenancy.registry.database, "app");
    ck_assert_str_eq(c->defaults.schema.template, "/etc/fahrend/schema.sql");
    ck_assert_str_eq(c->defaults.settings.items[0].value, "30s");
    ck_assert_int_eq(tenant(c, "acme")->strategy, STRATEGY_SCHEMA);
    ck_assert_int_eq(tenant(c, "globex")->pool.mode, POOL_SESSION);
    ck_assert_str_eq(c->secrets.store, "files");
    ck_assert_uint_eq(c->secrets.provider_count, 4);
    ck_assert_int_eq(config_provider(c, "aws")->type, PROVIDER_AWS);
    ck_assert_str_eq(config_provider(c, "aws")->prefix, "prod/fahrend/");
    ck_assert_str_eq(config_provider(c, "vault")->token.value, "/etc/fahrend/t");
    ck_assert_int_eq(config_provider(c, "master")->type, PROVIDER_DERIVE);
    ck_assert_str_eq(c->admin.stats_users.items[0], "monitor");
    config_unref(c);
}
END_TEST

/* conf/NAME beside tests/; to be freed. */
static char *sample_path(const char *name)
{
    char *file = x_strdup(__FILE__); /* tests/unit/config/test_load.c, from the root's own folder */
    char *unit = dirname(dirname(file));
    char *path = x_printf("%s/../../conf/%s", unit, name);

    free(file);
    return path;
}

static const char *const samples[] = {"fahrend.yaml", "rls.yaml", "schema.yaml", "database.yaml",
                                      "reference.yaml"};

START_TEST(each_sample_loads)
{
    char *path = sample_path(samples[_i]);
    struct config_faults faults = {0};
    const struct config *c = NULL;

    int result = config_load(path, &c, &faults);

    ck_assert_msg(result == 0, "%s: %s", path, faults.count > 0 ? faults.items[0].text : "");
    ck_assert_str_eq(c->file, path);
    config_unref(c);
    config_faults_fini(&faults);
    free(path);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_a_fault)
{
    struct config_faults faults = {0};
    struct buf out = {0};
    const struct config *c = NULL;

    ck_assert_int_eq(config_load("/nonexistent/f.yaml", &c, &faults), ERR_CONFIG);

    ck_assert_ptr_null(c);
    config_faults_print(&faults, &out);
    buf_append_u8(&out, 0);
    ck_assert_str_eq((const char *)out.p,
                     "/nonexistent/f.yaml:1:1: cannot be read: No such file or directory\n");
    buf_release(&out);
    config_faults_fini(&faults);
}
END_TEST

START_TEST(a_folder_is_a_fault)
{
    struct config_faults faults = {0};
    const struct config *c = NULL;

    ck_assert_int_eq(config_load("/tmp", &c, &faults), ERR_CONFIG);

    ck_assert_str_eq(faults.items[0].text, "cannot be read: Is a directory");
    config_faults_fini(&faults);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.load");
    TCase *tc = tcase_create("load");

    tcase_add_test(tc, a_server_is_enough);
    tcase_add_test(tc, a_tenant_is_the_defaults_with_its_own_keys);
    tcase_add_test(tc, settings_merge_by_name_case_aside);
    tcase_add_test(tc, null_takes_an_inherited_name_away);
    tcase_add_test(tc, logins_have_three_forms);
    tcase_add_test(tc, an_inherited_secret_keeps_its_index);
    tcase_add_test(tc, secrets_have_five_forms);
    tcase_add_test(tc, rules_keep_their_order);
    tcase_add_test(tc, names_are_found_and_others_are_not);
    tcase_add_test(tc, ten_thousand_tenants_are_all_found);
    tcase_add_test(tc, tenants_that_say_the_same_share_what_it_comes_to);
    tcase_add_test(tc, a_fault_is_told_of_each_tenant_that_has_it);
    tcase_add_test(tc, the_last_reference_ends_it);
    tcase_add_test(tc, tenant_names_have_a_narrow_grammar);
    tcase_add_test(tc, every_key_that_is_promised_is_kept);
    tcase_add_loop_test(tc, each_sample_loads, 0, (int)(sizeof samples / sizeof samples[0]));
    tcase_add_test(tc, a_file_that_is_not_there_is_a_fault);
    tcase_add_test(tc, a_folder_is_a_fault);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
