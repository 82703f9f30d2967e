// SPDX-License-Identifier: MIT
//
// check: every kind of fault, from whatever file of the layer, at its exact line and column.
#include "config/check.h"

#include "base/err.h"
#include "config/load.h"
#include "testing.h"

#define S "servers: {main: {}}\n" /* line 1 of most texts */

struct bad {
    const char *text;
    const char *faults; /* as config_faults_print says them, of a file named f */
};

static const struct bad cases[] = {
    /* the file */
    {"", "f:1:1: servers: at least one server is needed\n"},
    {"# nothing\n", "f:1:1: servers: at least one server is needed\n"},
    {"- a\n", "f:1:1: must be a map of keys\nf:1:1: servers: at least one server is needed\n"},
    {S "a: [\n", "f:3:1: not valid YAML: did not find expected node content\n"},
    {S "\"x\xFF\": 1\n", "f:2:3: not valid YAML: invalid leading UTF-8 octet\n"},
    {S "---\na: 1\n", "f:3:1: the file must hold one document\n"},
    {S "log: !!map {}\n", "f:2:6: tags are not used here\n"},
    {S "? [a]\n: 1\n", "f:2:3: a key must be a word\n"},
    {S "log: {level: \"a\\0b\"}\n", "f:2:14: a value cannot hold a NUL byte\n"},
    {S "log: *x\n", "f:2:6: no anchor *x stands before\n"},
    {S "log: &x {level: *x}\n", "f:2:17: no anchor *x stands before\n"},
    {S "a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", "f:2:19: values are nested too deeply\n"},
    {S "log: {level: info, level: error}\n",
     "f:2:20: key \"level\" stands twice, before in line 2\n"},
    {S "tenants:\n  acme:\n  acme:\n", "f:4:3: key \"acme\" stands twice, before in line 3\n"},
    /* keys */
    {S "litsen: {}\n", "f:2:1: unknown key \"litsen\", did you mean \"listen\"?\n"},
    {S "frobnicate: 1\n", "f:2:1: unknown key \"frobnicate\"\n"},
    {S "listen: {prot: 1}\n", "f:2:10: listen: unknown key \"prot\", did you mean \"port\"?\n"},
    {S "listen.port: 1\n", "f:2:1: unknown key \"listen.port\"\n"},
    {S "tenants: {acme: {pool: {sized: 1}}}\n",
     "f:2:25: tenants.acme.pool: unknown key \"sized\", did you mean \"size\"?\n"},
    {"servers: {main: {hosts: x}}\n",
     "f:1:18: servers.main: unknown key \"hosts\", did you mean \"host\"?\n"},
    {S "listen: 5\n", "f:2:9: listen: must be a map of keys\n"},
    {S "users: [app]\n", "f:2:8: users: must be a map of keys\n"},
    {S "tenants: {acme: yes}\n", "f:2:17: tenants.acme: must be a map of keys\n"},
    /* numbers, times, sizes */
    {S "listen: {port: x}\n", "f:2:16: listen.port: \"x\" is not a whole number\n"},
    {S "listen: {port: 0}\n", "f:2:16: listen.port: 0 is not between 1 and 65535\n"},
    {S "listen: {port: 99999999999999999999}\n",
     "f:2:16: listen.port: 99999999999999999999 is not between 1 and 65535\n"},
    {S "listen: {port: [1]}\n", "f:2:16: listen.port: must be a whole number, not a list\n"},
    {S "listen:\n  port:\n", "f:3:8: listen.port: must be a whole number\n"},
    {S "workers: many\n", "f:2:10: workers: \"many\" is not a whole number or auto\n"},
    {S "workers: 0\n", "f:2:10: workers: 0 is not between 1 and 64\n"},
    {S "drain_timeout: 30\n",
     "f:2:16: drain_timeout: 30 has no unit: write 30ms, 30s, 30m, 30h or 30d\n"},
    {S "drain_timeout: 5 min\n", "f:2:16: drain_timeout: \"5 min\" is not a time: a whole number "
                                 "and ms, s, m, h or d\n"},
    {S "drain_timeout: -5s\n", "f:2:16: drain_timeout: \"-5s\" is not a time: a whole number and "
                               "ms, s, m, h or d\n"},
    {S "drain_timeout: 25d\n", "f:2:16: drain_timeout: 25d is too large: at most 24d\n"},
    {S "drain_timeout: 99999999999999999999s\n",
     "f:2:16: drain_timeout: 99999999999999999999s is too large\n"},
    {S "limits: {message_size: 1MB}\n",
     "f:2:24: limits.message_size: \"1MB\" is not a size: bytes, or a whole number and KiB, MiB or "
     "GiB\n"},
    {S "limits: {message_size: 1}\n",
     "f:2:24: limits.message_size: 1 is not between 65536 and 2147483647\n"},
    /* words */
    {S "auth: {method: scram}\n", "f:2:16: auth.method: \"scram\" is none of trust, password, md5, "
                                  "scram-sha-256, cert, peer, hba\n"},
    {S "tenants: {defaults: {rls: {seal: maybe}}}\n",
     "f:2:34: tenants.defaults.rls.seal: \"maybe\" is neither true nor false\n"},
    {S "admin: {database: \"\"}\n", "f:2:19: admin.database: must not be empty\n"},
    {S "admin: {database: "
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
     "f:2:19: admin.database: is longer than 63 bytes\n"},
    {S "admin: {users: [a, \"\"]}\n", "f:2:20: admin.users: must not be empty\n"},
    {S "admin: {users: [[a]]}\n", "f:2:17: admin.users: must be a list of texts, not a list\n"},
    {"servers: {main: {host: []}}\n", "f:1:24: servers.main.host: must not be empty\n"},
    {S "http: {address: {a: b}}\n", "f:2:17: http.address: must be a text, not a map\n"},
    /* patterns */
    {S "tenants: {defaults: {role: \"t_{tenat}\"}}\n",
     "f:2:28: tenants.defaults.role: {tenat} is no placeholder here, only {tenant}\n"},
    {S "tenants: {defaults: {role: \"t_{tenant\"}}\n",
     "f:2:28: tenants.defaults.role: {tenant is no placeholder here, only {tenant}\n"},
    {S "tenants: {defaults: {role: \"t}\"}}\n",
     "f:2:28: tenants.defaults.role: a } stands without its {\n"},
    {S "tenants: {defaults: {schema: {search_path: \"{user}\"}}}\n",
     "f:2:44: tenants.defaults.schema.search_path: {user} is no placeholder here, only {tenant}, "
     "{schema}, {role}\n"},
    {S "tenancy: {resolve: x}\n", "f:2:20: tenancy.resolve: must be a list of rules\n"},
    {S "tenancy: {resolve: [user]}\n",
     "f:2:21: tenancy.resolve: a rule is one key and its pattern, as user: \"{tenant}\"\n"},
    {S "tenancy: {resolve: [{usr: \"{tenant}\"}]}\n",
     "f:2:22: tenancy.resolve: unknown rule \"usr\", did you mean \"user\"?\n"},
    {S "tenancy: {resolve: [{user: \"{user}\"}]}\n",
     "f:2:28: tenancy.resolve: user: {tenant} must stand in it once\n"},
    {S "tenancy: {resolve: [{user: \"{tenant}.{tenant}\"}]}\n",
     "f:2:28: tenancy.resolve: user: {tenant} must stand in it once\n"},
    {S "tenancy: {resolve: [{user: \"{user}.{user}.{tenant}\"}]}\n",
     "f:2:28: tenancy.resolve: user: {user} may stand in it only once\n"},
    {S "tenancy: {resolve: [{user: \"{user}{tenant}\"}]}\n",
     "f:2:28: tenancy.resolve: user: two placeholders need a text between them\n"},
    {S "tenancy: {resolve: [{sni: \"{user}.{tenant}\"}]}\n",
     "f:2:27: tenancy.resolve: sni: {user} is no placeholder here, only {tenant}\n"},
    {S "tenancy: {resolve: [{parameter: user}]}\n",
     "f:2:33: tenancy.resolve: parameter: cannot be the name of a parameter that names a tenant\n"},
    {S "tenancy: {resolve: [{certificate: dn}]}\n",
     "f:2:35: tenancy.resolve: certificate: cn, the certificate's common name, or san, the names "
     "of hosts in it, can name a tenant\n"},
    /* names */
    {S "tenants: {-a: {}}\n", "f:2:11: tenants.-a: a name has 1 to 63 letters, digits, _, . and -, "
                              "the first neither . nor -\n"},
    {S "tenants: {\"a\\nb\": {}}\n", "f:2:11: tenants.a?b: a name has 1 to 63 letters, digits, _, "
                                     ". and -, the first neither . nor -\n"},
    {"servers: {a b: {}}\n", "f:1:11: servers.a b: a name has 1 to 63 letters, digits, _, . and -, "
                             "the first neither . nor -\n"},
    {S "users: {\"\": {password: x}}\n", "f:2:9: users: a name has 1 to 63 bytes\n"},
    /* secrets */
    {S "users: {a: {password: [x]}}\n",
     "f:2:23: users.a.password: must be a text or a map, not a list\n"},
    {S "auth: {method: trust}\nusers: {a: {password: [x]}}\n",
     "f:3:23: users.a.password: must be a text or a map, not a list\n"},
    {S "auth: {method: trust}\nusers: {a: {password: \"\"}}\n",
     "f:3:23: users.a.password: must be a text that is not empty\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {}}}\n",
     "f:3:23: users.a.password: a secret needs a source: env, file, exec or store\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {evn: A}}}\n",
     "f:3:24: users.a.password: unknown key \"evn\", did you mean \"env\"?\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {env: A, file: b}}}\n",
     "f:3:32: users.a.password: a secret has one source\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {env: A, id: b}}}\n",
     "f:3:23: users.a.password: id and key belong to store\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {exec: cat}}}\n",
     "f:3:30: users.a.password: exec must be a list: a program and its arguments\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {exec: [\"\"]}}}\n",
     "f:3:31: users.a.password: exec needs a program\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {store: s}}}\n",
     "f:3:23: users.a.password: store needs an id\n"},
    {S "auth: {method: trust}\nusers: {a: {password: {store: s, id: x}}}\n",
     "f:3:31: users.a.password: no provider is named \"s\" in secrets.providers\n"},
    {S "secrets: {providers: {s: {}, d: {type: derive, key: {store: s, id: x}}}}\n",
     "f:2:61: secrets.providers.d.key: a provider's own secret cannot be in a store\n"},
    /* logins and settings */
    {S "tenants: {a: {login: server}}\n",
     "f:2:22: tenants.a.login: \"server\" is none of client, tenant, {user: NAME, ...}\n"},
    {S "tenants: {a: {login: {password: x}}}\n", "f:2:22: tenants.a.login: needs a user\n"},
    {S "tenants: {a: {login: {user: u, pasword: x}}}\n",
     "f:2:32: tenants.a.login: unknown key \"pasword\", only user and password\n"},
    {S "tenants: {a: {login: {user: \"{user}\"}}}\n",
     "f:2:29: tenants.a.login: {user} is no placeholder here, only {tenant}\n"},
    {S "tenants: {a: {settings: [x]}}\n",
     "f:2:25: tenants.a.settings: must be a map from names to values\n"},
    {S "tenants: {a: {settings: {a b: 1}}}\n",
     "f:2:26: tenants.a.settings: \"a b\" cannot be a setting's name\n"},
    {S "tenants: {a: {settings: {a: [1]}}}\n",
     "f:2:29: tenants.a.settings: must be a text, not a list\n"},
    {S "tenants: {a: {settings: {ROLE: x}}}\n",
     "f:2:32: settings: \"ROLE\" cannot be set for a tenant\n"},
    {S "tenants: {a: {settings: {session_authorization: x}}}\n",
     "f:2:49: settings: \"session_authorization\" cannot be set for a tenant\n"},
    {S "tenants: {a: {settings: {App.Tenant: x}}}\n",
     "f:2:38: settings: \"App.Tenant\" names the tenant, by rls.setting\n"},
    {S "tenants: {a: {settings: {app.tenant_seal: x}}}\n",
     "f:2:43: settings: \"app.tenant_seal\" names the tenant, by rls.setting\n"},
    {S "tenants:\n  defaults: {settings: {search_path: x}}\n  a: {strategy: schema}\n",
     "f:3:38: settings: \"search_path\" is set by the strategy schema, from schema.search_path\n"},
    /* between keys */
    {S "tenants: {defaults: {server: mian}, a: {}, b: {}}\n",
     "f:2:30: server: no server is named \"mian\", did you mean \"main\"?\n"},
    {S "tenants: {a: {server: other}}\n", "f:2:23: server: no server is named \"other\"\n"},
    {S "tenants: {defaults: {rls: {setting: tenant}}}\n",
     "f:2:37: rls.setting: must be two words with a dot between, as app.tenant\n"},
    {S "tenants: {defaults: {rls: {seal: true}}}\n",
     "f:2:27: rls.key: is needed where rls.seal is true\n"},
    {S "tenants: {a: {application_name: \"{tenant}\"}}\n",
     "f:2:33: application_name: {application_name} must stand in it once\n"},
    {S "tenants: {a: {database: app, rls: {setup: auto}}}\n",
     "f:2:43: rls.setup: auto needs servers.main.admin to log in as\n"},
    {S "tenants: {a: {rls: {seal: true, key: k}, reset: never}}\n",
     "f:2:49: reset: never leaves what another tenant must not see: not with rls.seal\n"},
    {S "tenants: {a: {pool: {min_size: 30}}}\n",
     "f:2:32: pool.min_size: 30 is more than pool.size, 20\n"},
    {S "tenants: {a: {pool: {size: 2, shards: 3}}}\n",
     "f:2:39: pool.shards: 3 are more than pool.size, 2\n"},
    {S "listen: {tls: {mode: require}}\n",
     "f:2:15: listen.tls.certificate: is needed unless listen.tls.mode is disable\n"
     "f:2:15: listen.tls.key: is needed unless listen.tls.mode is disable\n"},
    {S "listen: {tls: {mode: verify-ca, certificate: c, key: k}}\n",
     "f:2:15: listen.tls.ca: is needed to check clients' certificates\n"},
    {"servers: {main: {tls: {mode: verify-full}}}\n",
     "f:1:23: tls.ca: is needed to check the server's certificate\n"},
    {"servers: {main: {tls: {certificate: c}}}\n",
     "f:1:23: tls.key: is needed with tls.certificate\n"},
    {"servers: {main: {tls: {key: k}}}\n", "f:1:23: tls.certificate: is needed with tls.key\n"},
    {"servers: {main: {admin: {password: x}}}\n",
     "f:1:25: admin.user: is needed with admin.password\n"},
    {S "auth: {method: hba}\n", "f:2:7: auth.hba_file: is needed where auth.method is hba\n"},
    {S "auth: {method: cert}\n",
     "f:2:16: auth.method: cert needs listen.tls.mode verify-ca or verify-full\n"},
    {S "auth: {method: peer}\nlisten: {unix_dir: \"\"}\n",
     "f:2:16: auth.method: peer needs a socket in listen.unix_dir\n"},
    {S "auth: {query: {user: u}}\n", "f:2:15: auth.query.server: is needed for an auth query\n"},
    {S "auth: {query: {server: man}}\n",
     "f:2:15: auth.query.database: is needed for an auth query\n"
     "f:2:15: auth.query.user: is needed for an auth query\n"
     "f:2:24: auth.query.server: no server is named \"man\", did you mean \"main\"?\n"},
    {S "tenancy: {registry: {server: main}}\n",
     "f:2:21: tenancy.registry.database: is needed for a registry\n"},
    {S "tenancy: {registry: {database: app}}\n",
     "f:2:21: tenancy.registry.server: is needed for a registry\n"},
    {S "tenancy: {unknown: provision, registry: {server: main, database: app}}\n",
     "f:2:20: tenancy.unknown: provision needs servers.main.admin to make tenants with\n"},
    {"servers: {main: {admin: {user: a}}}\ntenancy: {unknown: provision}\n",
     "f:2:20: tenancy.unknown: provision needs a tenancy.registry to keep tenants in\n"},
    {S "secrets: {store: files}\n",
     "f:2:18: secrets.store: no provider is named \"files\" in secrets.providers\n"},
    {S "secrets: {environment: [A, B=1]}\n",
     "f:2:24: secrets.environment: \"B=1\" is no name of a variable\n"},
    {S "secrets: {providers: {a: {type: vault}}}\n",
     "f:2:26: address: is needed for type vault\nf:2:26: token: is needed for type vault\n"},
    {S "secrets: {providers: {a: {type: aws-secrets-manager}}}\n",
     "f:2:26: region: is needed for type aws-secrets-manager\n"},
    {S "users: {a: {}}\n",
     "f:2:12: password: is needed unless there is an auth.query or another auth.method\n"},
    {S "users: {a: {password: x, tenants: [b, \"c d\"]}}\n",
     "f:2:39: tenants: \"c d\" cannot match a tenant's name\n"},
    {S
     "listen: {unix_dir: /"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "}\n",
     "f:2:20: listen.unix_dir: is longer than 92 bytes\n"},
    /* all of them, in order */
    {"log: {level: loud}\nlisten: {port: 0}\nservers: {main: {prot: 1}}\ntenants: {a: {server: "
     "b}}\n",
     "f:1:14: log.level: \"loud\" is none of debug, info, warning, error\n"
     "f:2:16: listen.port: 0 is not between 1 and 65535\n"
     "f:3:18: servers.main: unknown key \"prot\", did you mean \"port\"?\n"
     "f:4:23: server: no server is named \"b\"\n"},
};

START_TEST(each_fault_is_told_with_its_place)
{
    struct config_faults faults = {0};
    struct buf out = {0};
    const struct config *config = NULL;

    int result = config_parse("f", slice_str(cases[_i].text), &config, &faults);

    config_faults_print(&faults, &out);
    buf_append_u8(&out, 0);
    ck_assert_str_eq((const char *)out.p, cases[_i].faults);
    ck_assert_int_eq(result, ERR_CONFIG);
    ck_assert_ptr_null(config);
    buf_release(&out);
    config_faults_fini(&faults);
}
END_TEST

START_TEST(a_secret_is_in_no_message)
{
    static const char text[] = "servers: {main: {}}\n"
                               "users:\n"
                               "  a: {password: {hunter2: hunter2}, tenants: [\"\"]}\n"
                               "  b: {password: hunter2, limits: 5}\n"
                               "  c: {password: {env: [hunter2]}}\n";
    struct config_faults faults = {0};
    struct buf out = {0};
    const struct config *config = NULL;

    (void)config_parse("f", slice_str(text), &config, &faults);

    config_faults_print(&faults, &out);
    buf_append_u8(&out, 0);
    ck_assert_ptr_null(strstr((const char *)out.p, ": hunter2"));
    ck_assert_ptr_null(strstr((const char *)out.p, "[hunter2"));
    ck_assert_ptr_nonnull(strstr((const char *)out.p, "users.b.limits"));
    buf_release(&out);
    config_faults_fini(&faults);
}
END_TEST

START_TEST(faults_are_bounded)
{
    struct config_faults faults = {0};
    struct buf text = {0};
    const struct config *config = NULL;

    for (int i = 0; i < CONFIG_FAULTS_MAX + 50; i++) {
        buf_printf(&text, "bad%d: 1\n", i);
    }
    (void)config_parse("f", buf_slice(&text), &config, &faults);

    ck_assert_uint_eq(faults.count, CONFIG_FAULTS_MAX);
    buf_release(&text);
    config_faults_fini(&faults);
}
END_TEST

START_TEST(aliases_do_not_multiply_without_end)
{
    struct config_faults faults = {0};
    struct buf text = {0};
    const struct config *config = NULL;

    buf_printf(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            buf_printf(&text, "%s*a%d", j == 0 ? "" : ", ", i - 1);
        }
        buf_printf(&text, "]\n");
    }
    ck_assert_int_eq(config_parse("f", buf_slice(&text), &config, &faults), ERR_CONFIG);

    ck_assert_str_eq(faults.items[0].text, "the file has too many values");
    buf_release(&text);
    config_faults_fini(&faults);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.check");
    TCase *tc = tcase_create("check");

    tcase_add_loop_test(tc, each_fault_is_told_with_its_place, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tc, a_secret_is_in_no_message);
    tcase_add_test(tc, faults_are_bounded);
    tcase_add_test(tc, aliases_do_not_multiply_without_end);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
