// SPDX-License-Identifier: MIT
#include "config/diff.h"

#include <stdio.h>
#include <string.h>

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
    static const char *const marks_of_effect[] = {
        [EFFECT_CLIENTS] = "", [EFFECT_NOW] = "", [EFFECT_RESTART] = "!"};
    static const char marks[] = {
        [CHANGE_CHANGED] = '~', [CHANGE_ADDED] = '+', [CHANGE_REMOVED] = '-'};
    const struct config *a = parse(before);
    const struct config *b = parse(after);
    struct config_changes changes = {0};
    struct buf out = {0};

    config_diff(a, b, &changes);

    for (size_t i = 0; i < changes.count; i++) {
        buf_printf(&out, "%s%c%s%s", i == 0 ? "" : " ", marks[changes.items[i].kind],
                   changes.items[i].key, marks_of_effect[changes.items[i].effect]);
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

/* ---- every key of the table ---- */

/* Of the top, what is not for new clients. */
static const struct {
    const char *path;
    enum key_effect effect;
} effects[] = {
    {"listen.address", EFFECT_RESTART},
    {"listen.port", EFFECT_RESTART},
    {"listen.unix_dir", EFFECT_RESTART},
    {"workers", EFFECT_RESTART},
    {"core_dumps", EFFECT_RESTART},
    {"http.address", EFFECT_RESTART},
    {"http.port", EFFECT_RESTART},
    {"drain_timeout", EFFECT_NOW},
    {"limits.message_size", EFFECT_NOW},
    {"http.tenants", EFFECT_NOW},
    {"http.user", EFFECT_NOW},
    {"http.password", EFFECT_NOW},
    {"tenancy.registry.server", EFFECT_NOW},
    {"tenancy.registry.database", EFFECT_NOW},
    {"secrets.store", EFFECT_NOW},
    {"secrets.cache", EFFECT_NOW},
    {"log.level", EFFECT_NOW},
    {"log.format", EFFECT_NOW},
    {"log.slow_wait", EFFECT_NOW},
};

static enum key_effect expected_effect(const struct key *key)
{
    if (key->scope == SCOPE_SERVER || key->scope == SCOPE_PROVIDER) {
        return EFFECT_NOW;
    }
    for (size_t i = 0; key->scope == SCOPE_TOP && i < sizeof effects / sizeof effects[0]; i++) {
        if (strcmp(effects[i].path, key->path) == 0) {
            return effects[i].effect;
        }
    }
    return EFFECT_CLIENTS;
}

/* Another value than there is; false for types that are texts of their own, which are compared
 * above. */
static bool change(const struct key *key, void *member)
{
    static const char *const others[] = {"other"};

    switch (key->type) {
    case KEY_INT:
    case KEY_CHOICE:
        *(int *)member += 1;
        return true;
    case KEY_TIME:
    case KEY_SIZE:
        *(int64_t *)member += 1000;
        return true;
    case KEY_BOOL:
        *(bool *)member = !*(bool *)member;
        return true;
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_PATH:
        *(const char **)member = "other";
        return true;
    case KEY_STRINGS:
        *(struct strings *)member = (struct strings){.items = others, .count = 1};
        return true;
    case KEY_SECRET:
        *(struct secret_ref *)member = (struct secret_ref){.kind = SECRET_ENV, .value = "OTHER"};
        return true;
    case KEY_SECTION:
    case KEY_NAMED:
    case KEY_SETTINGS:
    case KEY_LOGIN:
    case KEY_RULES:
    case KEY_PAIRS:
        break;
    }
    return false;
}

static void *scope_struct(const struct config *c, enum key_scope scope)
{
    switch (scope) {
    case SCOPE_TOP:
        return (void *)(uintptr_t)c;
    case SCOPE_SERVER:
        return (void *)(uintptr_t)c->servers;
    case SCOPE_USER:
        return (void *)(uintptr_t)c->users;
    case SCOPE_TENANT:
        return (void *)(uintptr_t)c->tenants[0].config;
    case SCOPE_PROVIDER:
        return (void *)(uintptr_t)c->secrets.providers;
    case SCOPES:
        break;
    }
    return NULL;
}

START_TEST(of_every_key_it_is_told_when_a_change_is_in_force)
{
    static const char text[] = S "users: {u: {password: x}}\ntenants: {t: {role: own}}\n"
                                 "secrets: {providers: {p: {type: env}}}\n";
    static const char *const entries[SCOPES] = {"", "servers.main.", "users.u.", "tenants.t.",
                                                "secrets.providers.p."};
    int looked = 0;

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        const struct config *a = parse(text);
        const struct config *b = parse(text);
        struct config_changes changes = {0};
        char path[128];
        if (change(key, (char *)scope_struct(b, key->scope) + key->offset)) {
            config_diff(a, b, &changes);
            (void)snprintf(path, sizeof path, "%s%s", entries[key->scope], key->path);
            ck_assert_msg(changes.count == 1, "%s: %zu changes, %s", path, changes.count,
                          changes.count > 1 ? changes.items[1].key : "");
            ck_assert_str_eq(changes.items[0].key, path);
            ck_assert_msg(changes.items[0].effect == expected_effect(key), "%s", path);
            looked++;
        }
        config_changes_fini(&changes);
        config_unref(a);
        config_unref(b);
    }
    ck_assert_int_gt(looked, 100);
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
    tcase_add_test(tc, of_every_key_it_is_told_when_a_change_is_in_force);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
