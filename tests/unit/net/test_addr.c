// SPDX-License-Identifier: MIT
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "testing.h"

static struct addr ip4(const char *text, uint16_t port)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct addr a;

    ck_assert_int_eq(inet_pton(AF_INET, text, &in4.sin_addr), 1);
    addr_from_sockaddr(&a, (const struct sockaddr *)&in4);
    return a;
}

static struct addr ip6(const char *text, uint16_t port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct addr a;

    ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    addr_from_sockaddr(&a, (const struct sockaddr *)&in6);
    return a;
}

START_TEST(an_ipv4_address_is_printed_with_its_port)
{
    struct addr a = ip4("10.0.0.7", 5432);
    char text[ADDR_TEXT];

    addr_print(&a, text, sizeof text);

    ck_assert_str_eq(text, "10.0.0.7:5432");
}
END_TEST

START_TEST(an_ipv6_address_with_its_port_stands_in_brackets)
{
    struct addr a = ip6("::1", 65535);
    char text[ADDR_TEXT];

    addr_print(&a, text, sizeof text);

    ck_assert_str_eq(text, "[::1]:65535");
}
END_TEST

START_TEST(a_host_is_printed_without_port_and_brackets)
{
    struct addr four = ip4("127.0.0.1", 1);
    struct addr six = ip6("fe80::1", 1);
    char text[ADDR_TEXT];

    addr_print_host(&four, text, sizeof text);
    ck_assert_str_eq(text, "127.0.0.1");
    addr_print_host(&six, text, sizeof text);
    ck_assert_str_eq(text, "fe80::1");
}
END_TEST

START_TEST(a_unix_peer_has_a_name_and_no_port)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct addr a;
    char text[ADDR_TEXT];

    addr_from_sockaddr(&a, (const struct sockaddr *)&sun);
    addr_print(&a, text, sizeof text);

    ck_assert_str_eq(text, "unix");
    ck_assert_uint_eq(a.port, 0);
}
END_TEST

START_TEST(the_longest_address_fits)
{
    struct addr a = ip6("1111:2222:3333:4444:5555:6666:255.255.255.255", 65535);
    char text[ADDR_TEXT];

    addr_print(&a, text, sizeof text);

    ck_assert_str_eq(text, "[1111:2222:3333:4444:5555:6666:ffff:ffff]:65535");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("addr");
    TCase *all = tcase_create("all");

    tcase_add_test(all, an_ipv4_address_is_printed_with_its_port);
    tcase_add_test(all, an_ipv6_address_with_its_port_stands_in_brackets);
    tcase_add_test(all, a_host_is_printed_without_port_and_brackets);
    tcase_add_test(all, a_unix_peer_has_a_name_and_no_port);
    tcase_add_test(all, the_longest_address_fits);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
