// SPDX-License-Identifier: MIT
#include "wire/proxy_header.h"

#include "testing.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static struct proxy_header header;
static struct err err;

static int parse(const char *text, size_t n)
{
    err = (struct err){0};
    return proxy_header_parse(slice_of(text, n), &header, &err);
}

#define PARSE(text) parse(text, sizeof(text) - 1)

START_TEST(version_1_names_an_address)
{
    static const uint8_t ip[4] = {192, 0, 2, 7};

    ck_assert_int_eq(PARSE("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\nmore"), 1);
    ck_assert_uint_eq(header.size, 41);
    ck_assert_uint_eq(header.ip_size, 4);
    ck_assert_int_eq(memcmp(header.ip, ip, 4), 0);
    ck_assert_uint_eq(header.port, 56324);
    ck_assert_int_eq(PARSE("PROXY TCP6 2001:db8::7 ::1 1 2\r\n"), 1);
    ck_assert_uint_eq(header.ip_size, 16);
    ck_assert_int_eq(PARSE("PROXY UNKNOWN\r\n"), 1);
    ck_assert_uint_eq(header.ip_size, 0);
}
END_TEST

START_TEST(version_2_names_an_address)
{
    static const uint8_t ip[4] = {192, 0, 2, 7};

    ck_assert_int_eq(PARSE(V2 "\x21\x11\0\x0f\xc0\0\2\7\x0a\0\0\1\xdc\4\1\xbb\4\0\0x"), 1);
    ck_assert_uint_eq(header.size, 31);
    ck_assert_uint_eq(header.ip_size, 4);
    ck_assert_int_eq(memcmp(header.ip, ip, 4), 0);
    ck_assert_uint_eq(header.port, 0xdc04);
    ck_assert_int_eq(PARSE(V2 "\x20\0\0\0"), 1);
    ck_assert_uint_eq(header.ip_size, 0);
}
END_TEST

START_TEST(every_prefix_wants_more)
{
    static const char v1[] = "PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n";
    static const char v2[] = V2 "\x21\x11\0\x0c\xc0\0\2\7\x0a\0\0\1\xdc\4\1\xbb";

    for (size_t n = 0; n < sizeof v1 - 1; n++) {
        ck_assert_int_eq(parse(v1, n), 0);
    }
    for (size_t n = 0; n < sizeof v2 - 1; n++) {
        ck_assert_int_eq(parse(v2, n), 0);
    }
}
END_TEST

static const struct {
    const char *text;
    size_t n;
} bad[] = {
#define BAD(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    BAD("G"),
    BAD("\0\0\0\x08\x04\xd2\x16\x2f"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 56324\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443 1\r\n"),
    BAD("PROXY TCP4 ::1 10.0.0.1 56324 443\r\n"),
    BAD("PROXY TCP4 192.0.2.7  10.0.0.1 56324 443\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 -1 443\r\n"),
    BAD("PROXY TCP5 192.0.2.7 10.0.0.1 1 443\r\n"),
    BAD("PROXY \r\n"),
    BAD("PROXY TCP4 "
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxx"),
    BAD(V2 "\x11\x11\0\x0c"),
    BAD(V2 "\x22\x11\0\x0c"),
    BAD(V2 "\x21\x11\x08\0"),
    BAD(V2 "\x21\x11\0\x0b...........,"),
};

START_TEST(what_is_no_header_is_refused)
{
    ck_assert_int_eq(parse(bad[_i].text, bad[_i].n), ERR_PROTOCOL);
    ck_assert_str_eq(err.text, "invalid PROXY protocol header");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("proxy_header");
    TCase *cases = tcase_create("proxy_header");

    tcase_add_test(cases, version_1_names_an_address);
    tcase_add_test(cases, version_2_names_an_address);
    tcase_add_test(cases, every_prefix_wants_more);
    tcase_add_loop_test(cases, what_is_no_header_is_refused, 0, sizeof bad / sizeof bad[0]);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
