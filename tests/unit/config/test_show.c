// SPDX-License-Identifier: MIT
//
// show: SHOW CONFIG's rows, and the reference against conf/reference.yaml.
#include "config/show.h"

#include <libgen.h>
#include <stdio.h>

#include "base/alloc.h"
#include "config/diff.h"
#include "config/load.h"
#include "testing.h"

/* All rows as "key = value | default | reload", one a line. */
static void collect(void *context, const struct config_row *row)
{
    buf_printf(context, "%s = %s | %s | %s\n", row->key, row->value, row->fallback,
               row->reloadable ? "reload" : "restart");
}

static const struct config *parse(struct slice text)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;

    int result = config_parse("/etc/t.yaml", text, &config, &faults);
    ck_assert_msg(result == 0, "%s", faults.count > 0 ? faults.items[0].text : "");
    config_faults_fini(&faults);
    return config;
}

static struct buf show(const char *text)
{
    struct buf out = {0};
    const struct config *config = parse(slice_str(text));

    config_show(config, collect, &out);
    buf_append_u8(&out, 0);
    config_unref(config);
    return out;
}

static void check_row(const struct buf *rows, const char *row)
{
    ck_assert_msg(strstr((const char *)rows->p, row) != NULL, "no row %s", row);
}

START_TEST(rows_tell_value_default_and_reload)
{
    struct buf rows = show("servers: {main: {host: [a, b], connect_timeout: 90s}}\n"
                           "listen: {port: 7000}\n"
                           "auth: {query: {server: main, user: u, database: d}}\n");

    check_row(&rows, "listen.port = 7000 | 6432 | restart\n");
    check_row(&rows, "workers = auto | auto | restart\n");
    check_row(&rows, "auth.hba_file =  |  | reload\n");
    check_row(&rows, "limits.message_size = 1GiB | 1GiB | reload\n");
    check_row(&rows, "servers.main.host = [a, b] | [127.0.0.1] | reload\n");
    check_row(&rows, "servers.main.connect_timeout = 90s | 15s | reload\n");
    check_row(&rows, "servers.main.admin.password =  |  | reload\n");
    check_row(&rows, "tenants.defaults.role = tenant_{tenant} | tenant_{tenant} | reload\n");
    check_row(&rows, "tenants.defaults.login = client | client | reload\n");
    check_row(&rows, "tenancy.resolve = [{parameter: app.tenant}] | ");
    buf_release(&rows);
}
END_TEST

START_TEST(a_tenant_shows_what_differs_from_the_defaults)
{
    struct buf rows = show("servers: {main: {}}\n"
                           "tenants: {defaults: {pool: {size: 7}}, acme: {pool: {size: 8}, "
                           "settings: {work_mem: 1MB, a.b: x y}}}\n");

    check_row(&rows, "tenants.defaults.pool.size = 7 | 20 | reload\n");
    check_row(&rows, "tenants.acme.pool.size = 8 | 7 | reload\n");
    check_row(&rows, "tenants.acme.settings = {work_mem: 1MB, a.b: \"x y\"} | {} | reload\n");
    ck_assert_ptr_null(strstr((const char *)rows.p, "tenants.acme.pool.mode"));
    buf_release(&rows);
}
END_TEST

START_TEST(secrets_are_hidden)
{
    struct buf rows =
        show("servers: {main: {}}\n"
             "users: {a: {password: hunter2}, b: {password: {exec: [cat, hunter2]}}, c: {password: "
             "{store: s, id: i, key: k}}, d: {password: {file: /pw}}}\n"
             "secrets: {providers: {s: {}}}\n"
             "tenants: {defaults: {login: {user: u, password: hunter2}}}\n");

    ck_assert_ptr_null(strstr((const char *)rows.p, "hunter2"));
    check_row(&rows, "users.a.password = \"********\" |");
    check_row(&rows, "users.b.password = {exec: [cat, ...]} |");
    check_row(&rows, "users.c.password = {store: s, id: i, key: k} |");
    check_row(&rows, "users.d.password = {file: /pw} |");
    check_row(&rows, "tenants.defaults.login = {user: u, password: \"********\"} |");
    buf_release(&rows);
}
END_TEST

/* The whole of conf/reference.yaml; to be released. */
static struct buf read_reference(void)
{
    char *file = x_strdup(__FILE__);
    char *path = x_printf("%s/../../conf/reference.yaml", dirname(dirname(file)));
    FILE *f = fopen(path, "rb");
    struct buf out = {0};

    ck_assert_msg(f != NULL, "%s", path);
    buf_commit(&out, fread(buf_reserve(&out, 1 << 20), 1, 1 << 20, f));
    (void)fclose(f);
    free(path);
    free(file);
    return out;
}

START_TEST(the_reference_in_conf_is_up_to_date)
{
    struct buf made = {0};
    struct buf kept = read_reference();

    config_reference(&made);

    ck_assert_msg(slice_eq(buf_slice(&made), buf_slice(&kept)),
                  "write the output of fahrend --reference to conf/reference.yaml");
    buf_release(&made);
    buf_release(&kept);
}
END_TEST

START_TEST(the_reference_is_a_configuration_of_defaults)
{
    static const char bare[] = "servers: {main: {}}\nusers: {app: {password: {env: "
                               "APP_PASSWORD}}}\nsecrets: {providers: {files: {}}}\n";
    struct buf made = {0};
    struct config_changes changes = {0};

    config_reference(&made);
    const struct config *reference = parse(buf_slice(&made));
    const struct config *defaults = parse(slice_str(bare));
    config_diff(defaults, reference, &changes);

    ck_assert_msg(changes.count == 0, "%s", changes.count > 0 ? changes.items[0].key : "");
    config_changes_fini(&changes);
    config_unref(reference);
    config_unref(defaults);
    buf_release(&made);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.show");
    TCase *tc = tcase_create("show");

    tcase_add_test(tc, rows_tell_value_default_and_reload);
    tcase_add_test(tc, a_tenant_shows_what_differs_from_the_defaults);
    tcase_add_test(tc, secrets_are_hidden);
    tcase_add_test(tc, the_reference_in_conf_is_up_to_date);
    tcase_add_test(tc, the_reference_is_a_configuration_of_defaults);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
