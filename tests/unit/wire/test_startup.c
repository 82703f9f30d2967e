// SPDX-License-Identifier: MIT
#include "wire/startup.h"

#include "base/limits.h"
#include "bytes.h"
#include "testing.h"

#include <stdio.h>

#define SESSION "\0\0\0\x1e\0\x03\0\0user\0app\0database\0db\0\0"
#define CANCEL  "\0\0\0\x10\x04\xd2\x16\x2e\0\0\x01\x02key!"

enum { CAP = 4 };

static struct startup startup;
static struct slice rest;
static struct slice name;
static struct slice value;
static struct startup_option options[CAP];
static char memory[512];
static struct err err;

static int split(const char *text)
{
    return startup_options(slice_str(text), memory, options, CAP, &err);
}

#define ck_assert_option(i, name_, value_)                                                         \
    do {                                                                                           \
        ck_assert_str_eq(options[i].name, name_);                                                  \
        ck_assert_str_eq(options[i].value, value_);                                                \
    } while (0)

#define ck_assert_refused(rc, code_, text_)                                                        \
    do {                                                                                           \
        ck_assert_int_eq(rc, code_);                                                               \
        ck_assert_int_eq(err.code, code_);                                                         \
        ck_assert_str_eq(err.text, text_);                                                         \
    } while (0)

START_TEST(a_session_gives_version_and_parameters)
{
    ck_assert_int_eq(startup_parse(BYTES(SESSION "Q"), &startup, &err), 1);
    ck_assert_int_eq(startup.kind, STARTUP_SESSION);
    ck_assert_uint_eq(startup.version, 196608);
    ck_assert_uint_eq(startup.size, 30);
    ck_assert_bytes(startup.body, BYTES("user\0app\0database\0db\0\0"));
}
END_TEST

START_TEST(any_minor_version_of_3_is_let_in)
{
    ck_assert_int_eq(startup_parse(BYTES("\0\0\0\x09\0\x03\x27\x0f\0"), &startup, &err), 1);
    ck_assert_uint_eq(startup.version, 3 << 16 | 9999);
}
END_TEST

START_TEST(every_prefix_needs_more)
{
    for (size_t n = 0; n < sizeof SESSION - 1; n++) {
        ck_assert_int_eq(startup_parse(slice_head(BYTES(SESSION), n), &startup, &err), 0);
    }
    for (size_t n = 0; n < sizeof CANCEL - 1; n++) {
        ck_assert_int_eq(startup_parse(slice_head(BYTES(CANCEL), n), &startup, &err), 0);
    }
}
END_TEST

START_TEST(encryption_requests_are_told_apart)
{
    ck_assert_int_eq(startup_parse(BYTES("\0\0\0\x08\x04\xd2\x16\x2fmore"), &startup, &err), 1);
    ck_assert_int_eq(startup.kind, STARTUP_SSL);
    ck_assert_uint_eq(startup.size, 8);
    ck_assert_int_eq(startup_parse(BYTES("\0\0\0\x08\x04\xd2\x16\x30"), &startup, &err), 1);
    ck_assert_int_eq(startup.kind, STARTUP_GSSENC);
}
END_TEST

START_TEST(an_encryption_request_of_another_size_is_refused)
{
    int rc = startup_parse(BYTES("\0\0\0\x09\x04\xd2\x16\x2f"), &startup, &err);

    ck_assert_refused(rc, ERR_PROTOCOL, "invalid length of encryption request packet");
}
END_TEST

START_TEST(a_cancel_gives_pid_and_key)
{
    ck_assert_int_eq(startup_parse(BYTES(CANCEL), &startup, &err), 1);
    ck_assert_int_eq(startup.kind, STARTUP_CANCEL);
    ck_assert_bytes(startup.body, BYTES("\0\0\x01\x02key!"));
}
END_TEST

START_TEST(a_cancel_may_have_a_key_of_256_bytes)
{
    uint8_t packet[268] = "\0\0\x01\x0c\x04\xd2\x16\x2e";

    ck_assert_int_eq(startup_parse(slice_of(packet, sizeof packet), &startup, &err), 1);
    ck_assert_uint_eq(startup.body.n, 260);
}
END_TEST

START_TEST(a_cancel_with_a_key_too_short_or_too_long_is_refused)
{
    int rc = startup_parse(BYTES("\0\0\0\x0f\x04\xd2\x16\x2e"), &startup, &err);
    ck_assert_refused(rc, ERR_PROTOCOL, "invalid length of cancel request packet");

    rc = startup_parse(BYTES("\0\0\x01\x0d\x04\xd2\x16\x2e"), &startup, &err);
    ck_assert_refused(rc, ERR_PROTOCOL, "invalid length of cancel request packet");
}
END_TEST

START_TEST(a_bad_length_is_refused_by_its_four_bytes)
{
    static const char text[] = "invalid length of startup packet";

    ck_assert_refused(startup_parse(BYTES("\0\0\0\x07"), &startup, &err), ERR_PROTOCOL, text);
    ck_assert_refused(startup_parse(BYTES("\0\0\x27\x11"), &startup, &err), ERR_PROTOCOL, text);
    ck_assert_refused(startup_parse(BYTES("\xff\xff\xff\xff"), &startup, &err), ERR_PROTOCOL, text);
    ck_assert_refused(startup_parse(BYTES("GET "), &startup, &err), ERR_PROTOCOL, text);
}
END_TEST

START_TEST(the_largest_packet_is_waited_for)
{
    ck_assert_int_eq(LIMIT_STARTUP_PACKET, 0x2710);
    ck_assert_int_eq(startup_parse(BYTES("\0\0\x27\x10\0\x03\0\0"), &startup, &err), 0);
}
END_TEST

START_TEST(another_major_version_is_refused_at_once)
{
    int rc = startup_parse(BYTES("\0\0\x01\x28\0\x02\0\0"), &startup, &err);
    ck_assert_refused(rc, ERR_UNSUPPORTED, "old V2 protocol not supported");

    rc = startup_parse(BYTES("\0\0\x01\x28\0\x04\0\x01"), &startup, &err);
    ck_assert_refused(rc, ERR_UNSUPPORTED,
                      "unsupported frontend protocol 4.1: server supports 3.0 to 3.2");
}
END_TEST

START_TEST(parameters_come_in_order)
{
    rest = BYTES("user\0app\0empty\0\0\0");

    ck_assert_int_eq(startup_next(&rest, &name, &value, &err), 1);
    ck_assert_text(name, "user");
    ck_assert_text(value, "app");
    ck_assert_int_eq(startup_next(&rest, &name, &value, &err), 1);
    ck_assert_text(name, "empty");
    ck_assert_text(value, "");
    ck_assert_int_eq(startup_next(&rest, &name, &value, &err), 0);
}
END_TEST

START_TEST(a_list_of_parameters_may_be_empty)
{
    rest = BYTES("\0");

    ck_assert_int_eq(startup_next(&rest, &name, &value, &err), 0);
}
END_TEST

START_TEST(parameters_of_another_form_are_refused)
{
    static const char text[] = "invalid startup packet layout: expected terminator as last byte";
    const struct slice bodies[] = {
        SLICE_EMPTY,  BYTES("user"), BYTES("user\0"), BYTES("user\0app"), BYTES("\0user\0app\0\0"),
        BYTES("\0\0")};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        rest = bodies[i];
        ck_assert_refused(startup_next(&rest, &name, &value, &err), ERR_PROTOCOL, text);
    }
}
END_TEST

START_TEST(a_missing_terminator_is_seen_behind_good_pairs)
{
    rest = BYTES("user\0app\0");

    ck_assert_int_eq(startup_next(&rest, &name, &value, &err), 1);
    ck_assert_int_eq(startup_next(&rest, &name, &value, &err), ERR_PROTOCOL);
}
END_TEST

START_TEST(options_take_all_three_forms)
{
    ck_assert_int_eq(split("-c app.tenant=acme -cwork_mem=4MB --geqo=off"), 3);
    ck_assert_option(0, "app.tenant", "acme");
    ck_assert_option(1, "work_mem", "4MB");
    ck_assert_option(2, "geqo", "off");
}
END_TEST

START_TEST(a_dash_in_a_name_becomes_an_underscore)
{
    ck_assert_int_eq(split("--work-mem=a-b -c statement-timeout=-1 -cx-=-"), 3);
    ck_assert_option(0, "work_mem", "a-b");
    ck_assert_option(1, "statement_timeout", "-1");
    ck_assert_option(2, "x_", "-");
}
END_TEST

START_TEST(white_space_of_every_kind_separates_words)
{
    ck_assert_int_eq(split(" \t\n-c\va=1\f\r--b=2 "), 2);
    ck_assert_option(0, "a", "1");
    ck_assert_option(1, "b", "2");
}
END_TEST

START_TEST(a_backslash_takes_the_next_byte_as_it_is)
{
    ck_assert_int_eq(split("-c a=x\\ y\\\\z\\=\\\tw -c\\ b=1"), 2);
    ck_assert_option(0, "a", "x y\\z=\tw");
    ck_assert_option(1, " b", "1");
}
END_TEST

START_TEST(a_backslash_at_the_end_is_dropped)
{
    ck_assert_int_eq(split("-c a=x\\"), 1);
    ck_assert_option(0, "a", "x");
}
END_TEST

START_TEST(a_value_may_be_empty_or_hold_an_equals_sign)
{
    ck_assert_int_eq(split("-c a= --b=c=d"), 2);
    ck_assert_option(0, "a", "");
    ck_assert_option(1, "b", "c=d");
}
END_TEST

START_TEST(quotes_mean_nothing)
{
    ck_assert_int_eq(split("-c a='x'"), 1);
    ck_assert_option(0, "a", "'x'");
}
END_TEST

START_TEST(the_word_behind_a_bare_c_is_its_setting_whatever_it_looks_like)
{
    ck_assert_int_eq(split("-c --a=1"), 1);
    ck_assert_option(0, "__a", "1");
}
END_TEST

START_TEST(options_without_a_word_hold_no_setting)
{
    ck_assert_int_eq(split(""), 0);
    ck_assert_int_eq(split(" \t "), 0);
    ck_assert_int_eq(startup_options(SLICE_EMPTY, memory, options, CAP, &err), 0);
}
END_TEST

START_TEST(options_end_at_a_nul)
{
    ck_assert_int_eq(startup_options(BYTES("-c a=1\0-S 4"), memory, options, CAP, &err), 1);
    ck_assert_option(0, "a", "1");
}
END_TEST

START_TEST(any_other_switch_is_refused)
{
    static const char text[] = "unsupported options startup parameter: only '-c config=val' and "
                               "'--config=val' are allowed";
    static const char *const texts[] = {"-S 10", "a=b",   "-c a=1 b", "-",
                                        "--",    "-Ca=b", "\\ ",      "\\"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_refused(split(texts[i]), ERR_UNSUPPORTED, text);
    }
}
END_TEST

START_TEST(a_missing_value_is_refused)
{
    ck_assert_refused(split("-c work-mem"), ERR_SYNTAX, "-c work-mem requires a value");
    ck_assert_refused(split("-cgeqo"), ERR_SYNTAX, "-c geqo requires a value");
    ck_assert_refused(split("--geqo off"), ERR_SYNTAX, "--geqo requires a value");
    ck_assert_refused(split("--a=1 -c "), ERR_SYNTAX, "-c requires a value");
}
END_TEST

START_TEST(a_missing_name_is_refused)
{
    ck_assert_refused(split("-c =1"), ERR_SYNTAX, "-c =1 requires a name");
    ck_assert_refused(split("--=1"), ERR_SYNTAX, "--=1 requires a name");
}
END_TEST

START_TEST(a_name_of_63_bytes_is_taken_and_of_64_refused)
{
    char text[80];

    (void)snprintf(text, sizeof text, "-c%063d=1", 7);
    ck_assert_int_eq(split(text), 1);
    ck_assert_uint_eq(strlen(options[0].name), 63);
    (void)snprintf(text, sizeof text, "-c%064d=1", 7);
    ck_assert_refused(split(text), ERR_INVALID_VALUE,
                      "name of a setting in options is longer than 63 bytes");
}
END_TEST

START_TEST(more_settings_than_there_is_room_for_are_refused)
{
    ck_assert_int_eq(split("--a=1 --b=2 --c=3 --d=4 "), CAP);
    ck_assert_refused(split("--a=1 --b=2 --c=3 --d=4 --e=5"), ERR_INVALID_VALUE,
                      "more than 4 settings in options");
}
END_TEST

START_TEST(one_byte_more_than_the_options_is_memory_enough)
{
    struct slice text = slice_str("--a=1 -c b=2");
    char *exact = malloc(text.n + 1); /* the sanitizer sees a byte more */

    ck_assert_int_eq(startup_options(text, exact, options, CAP, &err), 2);
    ck_assert_option(1, "b", "2");
    free(exact);
}
END_TEST

static TCase *packet_case(void)
{
    TCase *tcase = tcase_create("packet");

    tcase_add_test(tcase, a_session_gives_version_and_parameters);
    tcase_add_test(tcase, any_minor_version_of_3_is_let_in);
    tcase_add_test(tcase, every_prefix_needs_more);
    tcase_add_test(tcase, encryption_requests_are_told_apart);
    tcase_add_test(tcase, an_encryption_request_of_another_size_is_refused);
    tcase_add_test(tcase, a_cancel_gives_pid_and_key);
    tcase_add_test(tcase, a_cancel_may_have_a_key_of_256_bytes);
    tcase_add_test(tcase, a_cancel_with_a_key_too_short_or_too_long_is_refused);
    tcase_add_test(tcase, a_bad_length_is_refused_by_its_four_bytes);
    tcase_add_test(tcase, the_largest_packet_is_waited_for);
    tcase_add_test(tcase, another_major_version_is_refused_at_once);
    return tcase;
}

static TCase *parameters_case(void)
{
    TCase *tcase = tcase_create("parameters");

    tcase_add_test(tcase, parameters_come_in_order);
    tcase_add_test(tcase, a_list_of_parameters_may_be_empty);
    tcase_add_test(tcase, parameters_of_another_form_are_refused);
    tcase_add_test(tcase, a_missing_terminator_is_seen_behind_good_pairs);
    return tcase;
}

static TCase *options_case(void)
{
    TCase *tcase = tcase_create("options");

    tcase_add_test(tcase, options_take_all_three_forms);
    tcase_add_test(tcase, a_dash_in_a_name_becomes_an_underscore);
    tcase_add_test(tcase, white_space_of_every_kind_separates_words);
    tcase_add_test(tcase, a_backslash_takes_the_next_byte_as_it_is);
    tcase_add_test(tcase, a_backslash_at_the_end_is_dropped);
    tcase_add_test(tcase, a_value_may_be_empty_or_hold_an_equals_sign);
    tcase_add_test(tcase, quotes_mean_nothing);
    tcase_add_test(tcase, the_word_behind_a_bare_c_is_its_setting_whatever_it_looks_like);
    tcase_add_test(tcase, options_without_a_word_hold_no_setting);
    tcase_add_test(tcase, options_end_at_a_nul);
    tcase_add_test(tcase, any_other_switch_is_refused);
    tcase_add_test(tcase, a_missing_value_is_refused);
    tcase_add_test(tcase, a_missing_name_is_refused);
    tcase_add_test(tcase, a_name_of_63_bytes_is_taken_and_of_64_refused);
    tcase_add_test(tcase, more_settings_than_there_is_room_for_are_refused);
    tcase_add_test(tcase, one_byte_more_than_the_options_is_memory_enough);
    return tcase;
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("wire.startup");

    suite_add_tcase(suite, packet_case());
    suite_add_tcase(suite, parameters_case());
    suite_add_tcase(suite, options_case());
    return suite;
}

TEST_MAIN(make_suite)
