// SPDX-License-Identifier: MIT
#include "admin/exposition.h"

#include "testing.h"

static struct buf out;

static const char *text_of(void)
{
    buf_append_u8(&out, '\0');
    return (const char *)buf_slice(&out).p;
}

static struct labels tenant(const char *name)
{
    return (struct labels){.items = {{"tenant", name}}, .count = 1};
}

START_TEST(a_counter_carries_its_suffix_in_either_form)
{
    struct labels labels = tenant("acme");
    struct exposition plain = {.out = &out};

    exposition_family(&plain, "x_queries", FAMILY_COUNTER, "Queries.");
    exposition_uint(&plain, &labels, 7);

    ck_assert_str_eq(text_of(), "# HELP x_queries_total Queries.\n# TYPE x_queries_total counter\n"
                                "x_queries_total{tenant=\"acme\"} 7\n");
    buf_release(&out);
    struct exposition open = {.out = &out, .open_metrics = true};
    exposition_family(&open, "x_queries", FAMILY_COUNTER, "Queries.");
    exposition_uint(&open, &labels, 7);
    exposition_end(&open);
    ck_assert_str_eq(text_of(), "# HELP x_queries Queries.\n# TYPE x_queries counter\n"
                                "x_queries_total{tenant=\"acme\"} 7\n# EOF\n");
    buf_release(&out);
}
END_TEST

START_TEST(a_label_forges_nothing)
{
    struct labels labels = tenant("a\"} 1\n\\\xff\xc3\xa4");
    struct exposition e = {.out = &out, .family = "x"};

    exposition_uint(&e, &labels, 1);

    ck_assert_str_eq(text_of(), "x{tenant=\"a\\\"} 1\\n\\\\?\xc3\xa4\"} 1\n");
    buf_release(&out);
}
END_TEST

START_TEST(a_time_lies_in_the_first_bucket_whose_bound_it_does_not_exceed)
{
    struct histogram h = {.sum_us = 0};

    histogram_note(&h, 0);
    histogram_note(&h, 1);
    histogram_note(&h, 2);
    histogram_note(&h, 60001);

    ck_assert_uint_eq(h.counts[0], 2);
    ck_assert_uint_eq(h.counts[1], 1);
    ck_assert_uint_eq(h.counts[TIME_BUCKETS - 1], 1);
    ck_assert_uint_eq(h.sum_us, 60004000);
}
END_TEST

START_TEST(buckets_are_cumulative)
{
    struct labels labels = tenant("acme");
    struct histogram h = {.sum_us = 3000, .counts = {1, 1}};
    struct exposition e = {.out = &out};

    exposition_family(&e, "x_seconds", FAMILY_HISTOGRAM, "Time.");
    exposition_histogram(&e, &labels, &h);

    const char *text = text_of();
    ck_assert_ptr_nonnull(strstr(text, "x_seconds_bucket{tenant=\"acme\",le=\"0.001\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "x_seconds_bucket{tenant=\"acme\",le=\"0.002\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "x_seconds_bucket{tenant=\"acme\",le=\"+Inf\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "x_seconds_sum{tenant=\"acme\"} 0.003000\n"));
    ck_assert_ptr_nonnull(strstr(text, "x_seconds_count{tenant=\"acme\"} 2\n"));
    buf_release(&out);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("exposition");
    TCase *tc = tcase_create("exposition");

    tcase_add_test(tc, a_counter_carries_its_suffix_in_either_form);
    tcase_add_test(tc, a_label_forges_nothing);
    tcase_add_test(tc, a_time_lies_in_the_first_bucket_whose_bound_it_does_not_exceed);
    tcase_add_test(tc, buckets_are_cumulative);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
