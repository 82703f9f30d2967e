// SPDX-License-Identifier: MIT
#include "wire/error.h"

#include "bytes.h"
#include "testing.h"
#include "wire/frame.h"

static struct err err_of(struct slice body)
{
    struct error_fields fields;
    struct err err = {0};

    ck_assert_int_eq(error_parse(body, &fields), 0);
    error_to_err(&fields, &err);
    return err;
}

START_TEST(the_fields_that_we_use_are_found)
{
    struct error_fields f;
    int rc = error_parse(BYTES("SFEHLER\0VERROR\0C42P01\0Mno table\0Dx\0Hlook\0Fa.c\0L1\0\0"), &f);

    ck_assert_int_eq(rc, 0);
    ck_assert_text(f.severity, "ERROR");
    ck_assert_text(f.sqlstate, "42P01");
    ck_assert_text(f.message, "no table");
    ck_assert_text(f.detail, "x");
    ck_assert_text(f.hint, "look");
}
END_TEST

START_TEST(a_severity_not_localized_wins_wherever_it_stands)
{
    struct error_fields f;

    ck_assert_int_eq(error_parse(BYTES("VERROR\0SFEHLER\0\0"), &f), 0);
    ck_assert_text(f.severity, "ERROR");
}
END_TEST

START_TEST(an_old_server_sends_only_the_localized_severity)
{
    struct error_fields f;

    ck_assert_int_eq(error_parse(BYTES("SFATAL\0Mx\0\0"), &f), 0);
    ck_assert_text(f.severity, "FATAL");
}
END_TEST

START_TEST(a_list_without_fields_is_allowed)
{
    struct error_fields f;

    ck_assert_int_eq(error_parse(BYTES("\0"), &f), 0);
    ck_assert_text(f.message, "");
}
END_TEST

START_TEST(the_last_of_a_repeated_field_counts)
{
    struct error_fields f;

    ck_assert_int_eq(error_parse(BYTES("Mone\0Mtwo\0\0"), &f), 0);
    ck_assert_text(f.message, "two");
}
END_TEST

START_TEST(every_proper_prefix_is_refused)
{
    struct slice body = BYTES("SERROR\0C42P01\0Mx\0\0");
    struct error_fields f;

    for (size_t n = 0; n < body.n; n++) {
        ck_assert_int_eq(error_parse(slice_head(body, n), &f), ERR_PROTOCOL);
        ck_assert_uint_eq(f.message.n, 0);
    }
}
END_TEST

START_TEST(bytes_behind_the_list_are_refused)
{
    struct error_fields f;

    ck_assert_int_eq(error_parse(BYTES("Mx\0\0y"), &f), ERR_PROTOCOL);
}
END_TEST

START_TEST(the_servers_error_keeps_its_code_message_and_hint)
{
    struct err err = err_of(BYTES("SERROR\0C28P01\0Mno\0Htry\0\0"));

    ck_assert_int_eq(err.code, ERR_SERVER);
    ck_assert_str_eq(err_sqlstate(&err), "28P01");
    ck_assert_str_eq(err.text, "no");
    ck_assert_str_eq(err.hint, "try");
}
END_TEST

START_TEST(a_sqlstate_of_another_form_becomes_internal_error)
{
    const struct slice bodies[] = {BYTES("C28p01\0\0"),   BYTES("C28P0\0\0"), BYTES("C28P012\0\0"),
                                   BYTES("C28P0'\0\0"),   BYTES("C\0\0"),     BYTES("Mx\0\0"),
                                   BYTES("C28P0\xc3\0\0")};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct err err = err_of(bodies[i]);
        ck_assert_str_eq(err_sqlstate(&err), "XX000");
    }
}
END_TEST

START_TEST(an_error_without_message_says_where_it_came_from)
{
    struct err err = err_of(BYTES("C28P01\0\0"));

    ck_assert_str_eq(err.text, "error of the server");
}
END_TEST

START_TEST(a_message_becomes_one_line)
{
    struct err err = err_of(BYTES("Ma\nb\r\tc\x7f\0\0"));

    ck_assert_str_eq(err.text, "a b  c ");
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters)
{
    char text[ERR_TEXT_MAX + 10];
    struct err err;
    memset(text, 'x', sizeof text);
    memcpy(text + ERR_TEXT_MAX - 6, "\xe2\x82\xac", 3); /* its last byte is one too many */

    error_to_err(&(struct error_fields){.message = slice_of(text, sizeof text)}, &err);

    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 3);
    ck_assert_str_eq(err.text + ERR_TEXT_MAX - 7, "x...");
}
END_TEST

START_TEST(a_message_of_the_largest_size_is_kept_whole)
{
    char text[ERR_TEXT_MAX - 1];
    struct err err;
    memset(text, 'x', sizeof text);

    error_to_err(&(struct error_fields){.message = slice_of(text, sizeof text)}, &err);

    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
}
END_TEST

START_TEST(a_built_error_has_all_that_a_client_looks_at)
{
    struct buf out = {0};
    struct err err = {0};
    (void)err_set(&err, ERR_NO_TENANT, "no tenant");
    err_hint(&err, "name one");

    error_build(&out, WIRE_ERROR, "FATAL", &err);

    static const char should[] = "E\0\0\0\x2fSFATAL\0VFATAL\0C08004\0Mno tenant\0Hname one\0\0";
    ck_assert_uint_eq(buf_size(&out), sizeof should - 1);
    ck_assert_mem_eq(buf_slice(&out).p, should, sizeof should - 1);
    buf_release(&out);
}
END_TEST

START_TEST(a_built_error_without_text_or_hint_says_what_its_code_means)
{
    struct buf out = {0};
    struct err err = {.code = ERR_TOO_MANY};

    error_build(&out, WIRE_NOTICE, "WARNING", &err);

    static const char should[] = "N\0\0\0\x34SWARNING\0VWARNING\0C53300\0Mtoo many connections\0\0";
    ck_assert_uint_eq(buf_size(&out), sizeof should - 1);
    ck_assert_mem_eq(buf_slice(&out).p, should, sizeof should - 1);
    buf_release(&out);
}
END_TEST

START_TEST(a_built_error_always_has_a_sqlstate)
{
    struct buf out = {0};
    struct error_fields fields;
    struct frame frame;

    error_build(&out, WIRE_ERROR, "ERROR", &(struct err){.code = ERR_SERVER});

    ck_assert_int_eq(frame_peek(buf_slice(&out), &frame), FRAME_OK);
    ck_assert_int_eq(error_parse(frame_body(buf_slice(&out), &frame), &fields), 0);
    ck_assert_text(fields.sqlstate, "XX000");
    buf_release(&out);
}
END_TEST

START_TEST(what_a_server_said_is_passed_on_with_its_detail)
{
    struct err err = err_of(BYTES("C55000\0Mnot now\0Dit is\nbusy\0Hwait\0\0"));
    struct buf out = {0};
    struct error_fields fields;
    struct frame frame;

    error_build(&out, WIRE_ERROR, "FATAL", &err);

    ck_assert_int_eq(frame_peek(buf_slice(&out), &frame), FRAME_OK);
    ck_assert_int_eq(error_parse(frame_body(buf_slice(&out), &frame), &fields), 0);
    ck_assert_text(fields.sqlstate, "55000");
    ck_assert_text(fields.message, "not now");
    ck_assert_text(fields.detail, "it is busy");
    ck_assert_text(fields.hint, "wait");
    buf_release(&out);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wire.error");
    TCase *tcase = tcase_create("error");

    tcase_add_test(tcase, the_fields_that_we_use_are_found);
    tcase_add_test(tcase, a_severity_not_localized_wins_wherever_it_stands);
    tcase_add_test(tcase, an_old_server_sends_only_the_localized_severity);
    tcase_add_test(tcase, a_list_without_fields_is_allowed);
    tcase_add_test(tcase, the_last_of_a_repeated_field_counts);
    tcase_add_test(tcase, every_proper_prefix_is_refused);
    tcase_add_test(tcase, bytes_behind_the_list_are_refused);
    tcase_add_test(tcase, the_servers_error_keeps_its_code_message_and_hint);
    tcase_add_test(tcase, a_sqlstate_of_another_form_becomes_internal_error);
    tcase_add_test(tcase, an_error_without_message_says_where_it_came_from);
    tcase_add_test(tcase, a_message_becomes_one_line);
    tcase_add_test(tcase, a_long_message_is_cut_between_characters);
    tcase_add_test(tcase, a_message_of_the_largest_size_is_kept_whole);
    tcase_add_test(tcase, a_built_error_has_all_that_a_client_looks_at);
    tcase_add_test(tcase, a_built_error_without_text_or_hint_says_what_its_code_means);
    tcase_add_test(tcase, a_built_error_always_has_a_sqlstate);
    tcase_add_test(tcase, what_a_server_said_is_passed_on_with_its_detail);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
