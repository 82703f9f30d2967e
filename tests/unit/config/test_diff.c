// SPDX-License-Identifier: MIT
#include "config/diff.h"

#include "config/load.h"
#include "testing.h"

static const struct config *parse(const char *text)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;

    int result = config_parse("/etc/t.yaml", slice_str(text), &config, &faults);
    ck_assert_msg(result == 0, "%s", faults.count > 0 ? faults.items[0].text : "");
    config_faults_fini(&faults);
    return config;
}

/* The changes between two texts as "~key", "+key", "-key", with "!" behind what needs a restart. */
static void check_diff(const char *before, const char *after, const char *expected)
{
    static const char marks[] = {
        [CHANGE_CHANGED] = '~', [CHANGE_ADDED] = '+', [CHANGE_REMOVED] = '-'};
    const struct config *a = parse(before);
    const struct config *b = parse(after);
    struct config_changes changes = {0};
    struct buf out = {0};

    config_diff(a, b, &changes);

    for (size_t i = 0; i < changes.count; i++) {
        buf_printf(&out, "%s%c%s%s", i == 0 ? "" : " ", marks[changes.items[i].kind],
                   changes.items[i].key, changes.items[i].reloadable ? "" : "!");
    }
    buf_append_u8(&out, 0);
    ck_assert_str_eq((const char *)out.p, expected);
    ck_assert(changes.restart == (strchr(expected, '!') != NULL));
    buf_release(&out);
    config_changes_fini(&changes);
    config_unref(a);
    config_unref(b);
}

#define S "servers: {main: {}}\n"

START_TEST(the_same_has_no_changes)
{
    static const char text[] = S "users: {a: {password: x}}\n"
                                 "tenants: {defaults: {login: {user: u, password: p}}, b: {}}\n";

    check_diff(text, text, "");
}
END_TEST

START_TEST(a_change_tells_whether_it_waits_for_a_restart)
{
    check_diff(S, S "listen: {port: 7000}\nlog: {level: debug}\n", "~listen.port! ~log.level");
    check_diff(S, "servers: {main: {tls: {mode: require}}}\n", "~servers.main.tls.mode");
}
END_TEST

START_TEST(entries_come_and_go)
{
    check_diff("servers: {main: {}, old: {}}\nusers: {a: {password: x}}\ntenants: {t: {}}\n",
               "servers: {main: {}, new: {}}\nusers: {b: {password: x}}\ntenants: {u: {}}\n",
               "-servers.old +servers.new -users.a +users.b -tenants.t +tenants.u");
}
END_TEST

START_TEST(what_tenants_inherit_is_said_once)
{
    check_diff(S "tenants: {defaults: {pool: {size: 5}}, a: {}, b: {pool: {size: 7}}}\n",
               S "tenants: {defaults: {pool: {size: 6}}, a: {}, b: {pool: {size: 8}}}\n",
               "~tenants.defaults.pool.size ~tenants.b.pool.size");
}
END_TEST

START_TEST(a_secret_in_the_file_is_compared)
{
    check_diff(S "users: {a: {password: one}}\n", S "users: {a: {password: two}}\n",
               "~users.a.password");
    check_diff(S "users: {a: {password: {exec: [c, x]}}}\n",
               S "users: {a: {password: {exec: [c, y]}}}\n", "~users.a.password");
}
END_TEST

START_TEST(lists_and_maps_are_compared)
{
    check_diff(S "tenants: {defaults: {settings: {a.b: x}}}\n",
               S "tenants: {defaults: {settings: {a.b: y}}}\n", "~tenants.defaults.settings");
    check_diff(S, S "tenancy: {resolve: [{sni: \"{tenant}.x\"}]}\n", "~tenancy.resolve");
    check_diff(S, "servers: {main: {host: [127.0.0.1, 127.0.0.2]}}\n", "~servers.main.host");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.diff");
    TCase *tc = tcase_create("diff");

    tcase_add_test(tc, the_same_has_no_changes);
    tcase_add_test(tc, a_change_tells_whether_it_waits_for_a_restart);
    tcase_add_test(tc, entries_come_and_go);
    tcase_add_test(tc, what_tenants_inherit_is_said_once);
    tcase_add_test(tc, a_secret_in_the_file_is_compared);
    tcase_add_test(tc, lists_and_maps_are_compared);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
