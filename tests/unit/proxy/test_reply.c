// SPDX-License-Identifier: MIT
#include "proxy/reply.h"

#include "testing.h"
#include "wire/build.h"

/* What a server said, and a context. */
struct desk {
    struct parameters welcome;
    struct context_table table;
    struct context *context;
    struct buf out;
};

static void begin(struct desk *d, const struct context_setting *settings, size_t n)
{
    *d = (struct desk){0};
    context_table_init(&d->table);
    d->context = context_intern(&d->table, d, settings, n);
    struct buf messages = {0};
    build_parameter_status(&messages, slice_str("server_version"), slice_str("15.3"));
    build_parameter_status(&messages, slice_str("TimeZone"), slice_str("UTC"));
    parameters_take(&d->welcome, &messages);
}

static void end(struct desk *d)
{
    buf_release(&d->out);
    parameters_release(&d->welcome);
    context_unref(&d->table, d->context);
    context_table_fini(&d->table);
}

static void assert_welcome(struct desk *d, const char *zone)
{
    static const struct cancel_key key = {.pid = 4711, .n = 4, .bytes = {1, 2, 3, 4}};
    struct buf should = {0};

    reply_welcome(&d->out, &d->welcome, d->context, &key);

    build_parameter_status(&should, slice_str("server_version"), slice_str("15.3"));
    build_parameter_status(&should, slice_str("TimeZone"), slice_str(zone));
    build_backend_key(&should, 4711, slice_of(key.bytes, 4));
    build_ready(&should, 'I');
    ck_assert(slice_eq(buf_slice(&d->out), buf_slice(&should)));
    buf_release(&should);
}

START_TEST(a_welcome_is_what_the_server_reported_then_our_key)
{
    struct desk d;
    begin(&d, NULL, 0);

    assert_welcome(&d, "UTC");

    end(&d);
}
END_TEST

START_TEST(the_clients_own_setting_stands_in_its_place)
{
    struct context_setting setting = {slice_str("timezone"), slice_str("Asia/Tokyo"), false};
    struct desk d;
    begin(&d, &setting, 1);

    assert_welcome(&d, "Asia/Tokyo");

    end(&d);
}
END_TEST

START_TEST(a_setting_that_servers_do_not_report_is_not_told)
{
    struct context_setting setting = {slice_str("app.tenant"), slice_str("acme"), true};
    struct desk d;
    begin(&d, &setting, 1);

    assert_welcome(&d, "UTC");

    end(&d);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("reply");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_welcome_is_what_the_server_reported_then_our_key);
    tcase_add_test(all, the_clients_own_setting_stands_in_its_place);
    tcase_add_test(all, a_setting_that_servers_do_not_report_is_not_told);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
