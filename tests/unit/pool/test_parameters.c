// SPDX-License-Identifier: MIT
#include "pool/parameters.h"

#include "testing.h"
#include "wire/build.h"

/* What a server reported, contexts of clients, and what they are greeted with. */
struct desk {
    struct parameters said;
    struct context_table table;
    struct buf out;
    struct buf should;
};

static void begin(struct desk *d)
{
    struct buf messages = {0};

    *d = (struct desk){0};
    context_table_init(&d->table);
    build_parameter_status(&messages, slice_str("server_version"), slice_str("15.3"));
    build_parameter_status(&messages, slice_str("TimeZone"), slice_str("UTC"));
    build_parameter_status(&messages, slice_str("application_name"), slice_str(""));
    build_parameter_status(&messages, slice_str("DateStyle"), slice_str("ISO"));
    parameters_take(&d->said, &messages);
}

static void end(struct desk *d)
{
    parameters_release(&d->said);
    buf_release(&d->out);
    buf_release(&d->should);
    context_table_fini(&d->table);
}

static void assert_value(const struct desk *d, const char *name, const char *value)
{
    int number = tracked_number(slice_str(name));

    ck_assert_slice_str(parameters_value(&d->said, number), value);
    ck_assert_slice_str(parameters_find(&d->said, slice_str(name)), value);
}

START_TEST(a_value_is_found_by_number_and_by_name)
{
    struct desk d;
    begin(&d);

    assert_value(&d, "TimeZone", "UTC");
    assert_value(&d, "application_name", "");
    assert_value(&d, "DateStyle", "ISO");

    ck_assert_slice_str(parameters_find(&d.said, slice_str("SERVER_VERSION")), "15.3");
    ck_assert_ptr_nonnull(
        parameters_value(&d.said, tracked_number(slice_str("application_name"))).p);
    ck_assert_ptr_null(parameters_value(&d.said, tracked_number(slice_str("search_path"))).p);
    ck_assert_ptr_null(parameters_find(&d.said, slice_str("search_path")).p);
    end(&d);
}
END_TEST

START_TEST(a_new_value_leaves_the_others_where_they_are_found)
{
    const char *values[] = {"America/Argentina/ComodRivadavia", "", "UTC", "Asia/Tokyo"};
    struct desk d;
    begin(&d);

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        parameters_set(&d.said, slice_str("timezone"), slice_str(values[i]));
        parameters_set(&d.said, slice_str("application_name"), slice_str(values[3 - i]));

        assert_value(&d, "TimeZone", values[i]);
        assert_value(&d, "application_name", values[3 - i]);
        assert_value(&d, "DateStyle", "ISO");
    }
    end(&d);
}
END_TEST

START_TEST(what_was_never_reported_is_not_taken_in)
{
    struct desk d;
    begin(&d);
    uint32_t size = buf_size(&d.said.messages);

    parameters_set(&d.said, slice_str("search_path"), slice_str("public"));

    ck_assert_uint_eq(buf_size(&d.said.messages), size);
    ck_assert_ptr_null(parameters_value(&d.said, tracked_number(slice_str("search_path"))).p);
    end(&d);
}
END_TEST

START_TEST(a_report_without_a_value_is_none)
{
    struct desk d;
    struct buf messages = {0};
    begin(&d);
    size_t start = build_begin(&messages, WIRE_PARAMETER_STATUS);
    buf_append_cstr(&messages, "TimeZone");
    build_end(&messages, start);

    parameters_take(&d.said, &messages);

    ck_assert_ptr_null(parameters_value(&d.said, tracked_number(slice_str("TimeZone"))).p);
    end(&d);
}
END_TEST

START_TEST(a_copy_stands_on_its_own)
{
    struct desk d;
    struct parameters copy = {.strange = false};
    begin(&d);
    parameters_copy(&copy, &d.said);

    parameters_set(&d.said, slice_str("TimeZone"), slice_str("Asia/Tokyo"));

    ck_assert_slice_str(parameters_value(&copy, tracked_number(slice_str("TimeZone"))), "UTC");
    parameters_release(&copy);
    ck_assert(!parameters_known(&copy));
    end(&d);
}
END_TEST

static void greet(struct desk *d, const char *name, const char *value)
{
    struct context_setting own = {slice_str(name), slice_str(value), false};
    struct context *context = context_intern(&d->table, d, &own, 1);

    buf_clear(&d->out);
    parameters_greet(&d->said, context, &d->out);
    context_unref(&d->table, context);
}

START_TEST(a_client_without_values_of_its_own_is_greeted_with_the_servers)
{
    struct desk d;
    begin(&d);

    greet(&d, "app.tenant", "acme");

    ck_assert(slice_eq(buf_slice(&d.out), buf_slice(&d.said.messages)));
    end(&d);
}
END_TEST

START_TEST(a_value_of_its_own_stands_in_the_servers_place)
{
    struct desk d;
    begin(&d);

    greet(&d, "timezone", "Asia/Tokyo");

    build_parameter_status(&d.should, slice_str("server_version"), slice_str("15.3"));
    build_parameter_status(&d.should, slice_str("TimeZone"), slice_str("Asia/Tokyo"));
    build_parameter_status(&d.should, slice_str("application_name"), slice_str(""));
    build_parameter_status(&d.should, slice_str("DateStyle"), slice_str("ISO"));
    ck_assert(slice_eq(buf_slice(&d.out), buf_slice(&d.should)));
    end(&d);
}
END_TEST

START_TEST(so_does_one_that_an_extension_of_the_server_reports)
{
    struct desk d;
    struct buf messages = {0};
    begin(&d);
    build_parameter_status(&messages, slice_str("TimeZone"), slice_str("UTC"));
    build_parameter_status(&messages, slice_str("ext.mode"), slice_str("fast"));
    parameters_take(&d.said, &messages);

    greet(&d, "ext.mode", "slow");

    build_parameter_status(&d.should, slice_str("TimeZone"), slice_str("UTC"));
    build_parameter_status(&d.should, slice_str("ext.mode"), slice_str("slow"));
    ck_assert(slice_eq(buf_slice(&d.out), buf_slice(&d.should)));
    end(&d);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("parameters");
    TCase *cases = tcase_create("parameters");

    tcase_add_test(cases, a_value_is_found_by_number_and_by_name);
    tcase_add_test(cases, a_new_value_leaves_the_others_where_they_are_found);
    tcase_add_test(cases, what_was_never_reported_is_not_taken_in);
    tcase_add_test(cases, a_report_without_a_value_is_none);
    tcase_add_test(cases, a_copy_stands_on_its_own);
    tcase_add_test(cases, a_client_without_values_of_its_own_is_greeted_with_the_servers);
    tcase_add_test(cases, a_value_of_its_own_stands_in_the_servers_place);
    tcase_add_test(cases, so_does_one_that_an_extension_of_the_server_reports);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
