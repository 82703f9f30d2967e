// SPDX-License-Identifier: MIT
#include "wire/build.h"

#include "bytes.h"
#include "testing.h"

static struct buf out;

static void release(void)
{
    buf_release(&out);
}

#define ck_assert_built(bytes) ck_assert_bytes(buf_slice(&out), BYTES(bytes))

START_TEST(an_empty_message_counts_only_its_length)
{
    build_empty(&out, WIRE_SYNC);

    ck_assert_built("S\0\0\0\x04");
}
END_TEST

START_TEST(messages_stand_in_a_row)
{
    build_query(&out, "x");
    build_empty(&out, WIRE_FLUSH);

    ck_assert_built("Q\0\0\0\x06x\0H\0\0\0\x04");
}
END_TEST

START_TEST(the_length_is_right_where_the_front_was_consumed)
{
    build_query(&out, "gone");
    build_query(&out, "x");
    buf_consume(&out, 10);

    build_query(&out, "y");

    ck_assert_built("Q\0\0\0\x06x\0Q\0\0\0\x06y\0");
}
END_TEST

START_TEST(the_length_is_right_where_the_bytes_moved_meanwhile)
{
    char blank[251] = {0};
    build_empty(&out, WIRE_SYNC);
    buf_append(&out, blank, sizeof blank);
    buf_consume(&out, 255);

    size_t start = build_begin(&out, WIRE_COPY_DATA);
    buf_append(&out, blank, sizeof blank);
    buf_append(&out, blank, sizeof blank);
    build_end(&out, start);

    ck_assert_uint_eq(buf_size(&out), 1 + 507);
    ck_assert_bytes(slice_head(slice_from(buf_slice(&out), start), 5), BYTES("d\0\0\x01\xfa"));
}
END_TEST

START_TEST(authentication_carries_its_request_and_data)
{
    build_auth(&out, WIRE_AUTH_OK, SLICE_EMPTY);
    build_auth(&out, WIRE_AUTH_MD5, BYTES("salt"));

    ck_assert_built("R\0\0\0\x08\0\0\0\0R\0\0\0\x0c\0\0\0\x05salt");
}
END_TEST

START_TEST(parameter_status_is_two_strings)
{
    build_parameter_status(&out, slice_str("TimeZone"), slice_str("UTC"));

    ck_assert_built("S\0\0\0\x11TimeZone\0UTC\0");
}
END_TEST

START_TEST(a_string_is_cut_at_a_nul)
{
    build_parameter_status(&out, BYTES("a\0b"), BYTES("1\0is_superuser\0on"));

    ck_assert_built("S\0\0\0\x08"
                    "a\0"
                    "1\0");
}
END_TEST

START_TEST(backend_key_may_be_of_any_length)
{
    build_backend_key(&out, 0x01020304, BYTES("longer key"));

    ck_assert_built("K\0\0\0\x12\x01\x02\x03\x04longer key");
}
END_TEST

START_TEST(ready_carries_the_status)
{
    build_ready(&out, 'T');

    ck_assert_built("Z\0\0\0\x05T");
}
END_TEST

START_TEST(command_complete_carries_the_tag)
{
    build_command_complete(&out, "SELECT 1");

    ck_assert_built("C\0\0\0\x0dSELECT 1\0");
}
END_TEST

START_TEST(negotiation_names_the_version_and_the_unknown_options)
{
    struct slice options[] = {slice_str("_pq_.a"), slice_str("_pq_.b")};

    build_negotiate(&out, WIRE_PROTOCOL_3_0, options, 2);

    ck_assert_built("v\0\0\0\x1a\0\x03\0\0\0\0\0\x02_pq_.a\0_pq_.b\0");
}
END_TEST

START_TEST(row_description_is_of_text_columns)
{
    const char *names[] = {"a", "b"};

    build_row_description(&out, names, 2);

    ck_assert_built("T\0\0\0\x2e\0\x02"
                    "a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
                    "b\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
}
END_TEST

START_TEST(a_row_tells_null_from_empty)
{
    struct slice values[] = {slice_str("x"), SLICE_EMPTY, slice_str("")};

    build_data_row(&out, values, 3);

    ck_assert_built("D\0\0\0\x13\0\x03\0\0\0\x01x\xff\xff\xff\xff\0\0\0\0");
}
END_TEST

START_TEST(startup_is_pairs_and_a_terminator)
{
    size_t start = build_startup_begin(&out, WIRE_PROTOCOL_3_0);
    build_startup_parameter(&out, slice_str("user"), slice_str("app"));
    build_startup_parameter(&out, slice_str("x"), BYTES("y\0user\0root"));
    build_startup_end(&out, start);

    ck_assert_built("\0\0\0\x16\0\x03\0\0user\0app\0x\0y\0\0");
}
END_TEST

START_TEST(a_request_is_a_bare_code)
{
    build_request(&out, WIRE_SSL_REQUEST);

    ck_assert_built("\0\0\0\x08\x04\xd2\x16\x2f");
}
END_TEST

START_TEST(a_cancel_carries_pid_and_key)
{
    build_cancel(&out, 258, BYTES("key!"));

    ck_assert_built("\0\0\0\x10\x04\xd2\x16\x2e\0\0\x01\x02key!");
}
END_TEST

START_TEST(a_password_is_sent_as_it_is)
{
    build_password(&out, BYTES("secret\0"));

    ck_assert_built("p\0\0\0\x0bsecret\0");
}
END_TEST

START_TEST(sasl_says_its_mechanism_and_the_length_of_the_data)
{
    build_sasl_initial(&out, "SCRAM", BYTES("n,,"));
    build_sasl_initial(&out, "X", SLICE_EMPTY);

    ck_assert_built("p\0\0\0\x11SCRAM\0\0\0\0\x03n,,"
                    "p\0\0\0\x0aX\0\xff\xff\xff\xff");
}
END_TEST

START_TEST(parse_leaves_the_types_to_the_server)
{
    build_parse(&out, "s", "select $1");

    ck_assert_built("P\0\0\0\x12s\0select $1\0\0\0");
}
END_TEST

START_TEST(bind_sends_text_and_null)
{
    struct slice values[] = {slice_str("x"), SLICE_EMPTY};

    build_bind(&out, "s", values, 2);

    ck_assert_built("B\0\0\0\x16\0s\0\0\0\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0");
}
END_TEST

START_TEST(execute_asks_the_unnamed_portal_for_all_rows)
{
    build_execute(&out);

    ck_assert_built("E\0\0\0\x09\0\0\0\0\0");
}
END_TEST

START_TEST(close_names_the_statement)
{
    build_close_statement(&out, "s");

    ck_assert_built("C\0\0\0\x07Ss\0");
}
END_TEST

static TCase *frontend_case(void)
{
    TCase *tcase = tcase_create("to a client");

    tcase_add_checked_fixture(tcase, NULL, release);
    tcase_add_test(tcase, authentication_carries_its_request_and_data);
    tcase_add_test(tcase, parameter_status_is_two_strings);
    tcase_add_test(tcase, a_string_is_cut_at_a_nul);
    tcase_add_test(tcase, backend_key_may_be_of_any_length);
    tcase_add_test(tcase, ready_carries_the_status);
    tcase_add_test(tcase, command_complete_carries_the_tag);
    tcase_add_test(tcase, negotiation_names_the_version_and_the_unknown_options);
    tcase_add_test(tcase, row_description_is_of_text_columns);
    tcase_add_test(tcase, a_row_tells_null_from_empty);
    return tcase;
}

static TCase *backend_case(void)
{
    TCase *tcase = tcase_create("to a server");

    tcase_add_checked_fixture(tcase, NULL, release);
    tcase_add_test(tcase, startup_is_pairs_and_a_terminator);
    tcase_add_test(tcase, a_request_is_a_bare_code);
    tcase_add_test(tcase, a_cancel_carries_pid_and_key);
    tcase_add_test(tcase, a_password_is_sent_as_it_is);
    tcase_add_test(tcase, sasl_says_its_mechanism_and_the_length_of_the_data);
    tcase_add_test(tcase, parse_leaves_the_types_to_the_server);
    tcase_add_test(tcase, bind_sends_text_and_null);
    tcase_add_test(tcase, execute_asks_the_unnamed_portal_for_all_rows);
    tcase_add_test(tcase, close_names_the_statement);
    return tcase;
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wire.build");
    TCase *tcase = tcase_create("framing");

    tcase_add_checked_fixture(tcase, NULL, release);
    tcase_add_test(tcase, an_empty_message_counts_only_its_length);
    tcase_add_test(tcase, messages_stand_in_a_row);
    tcase_add_test(tcase, the_length_is_right_where_the_front_was_consumed);
    tcase_add_test(tcase, the_length_is_right_where_the_bytes_moved_meanwhile);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, frontend_case());
    suite_add_tcase(suite, backend_case());
    return suite;
}

TEST_MAIN(make_suite)
