// SPDX-License-Identifier: MIT
#include "base/encode.h"

#include "testing.h"

/* RFC 4648, section 10. */
static const struct {
    const char *plain;
    const char *base64;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

START_TEST(base64_writes_the_vectors_of_its_rfc)
{
    struct buf out = {0};

    base64_append(&out, slice_str(vectors[_i].plain));

    ck_assert(slice_eq_str(buf_slice(&out), vectors[_i].base64));
    ck_assert_uint_eq(base64_size(strlen(vectors[_i].plain)), strlen(vectors[_i].base64));
    buf_release(&out);
}
END_TEST

START_TEST(base64_reads_the_vectors_of_its_rfc)
{
    uint8_t out[6];

    ptrdiff_t n = base64_decode(slice_str(vectors[_i].base64), out, sizeof out);

    ck_assert_int_eq(n, (ptrdiff_t)strlen(vectors[_i].plain));
    ck_assert(slice_eq_str(slice_of(out, (size_t)n), vectors[_i].plain));
}
END_TEST

START_TEST(base64_returns_every_byte_as_it_was)
{
    uint8_t all[256];
    uint8_t back[256];
    struct buf out = {0};
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (uint8_t)i;
    }

    base64_append(&out, slice_of(all, sizeof all));

    ck_assert_int_eq(base64_decode(buf_slice(&out), back, sizeof back), sizeof back);
    ck_assert_mem_eq(back, all, sizeof all);
    buf_release(&out);
}
END_TEST

START_TEST(base64_appends)
{
    struct buf out = {0};
    buf_append(&out, "r=", 2);

    base64_append(&out, slice_str("foo"));

    ck_assert(slice_eq_str(buf_slice(&out), "r=Zm9v"));
    buf_release(&out);
}
END_TEST

START_TEST(base64_that_is_not_canonical_is_refused)
{
    static const char *const texts[] = {
        "Z",    "Zg",    "Zg=",  "Zm9vY",            /* of another length */
        "Zh==", "Zm9=",                              /* bits set that are not used */
        "Zm 9", "Zm9\n", "Zm-_", "Zm9\x80",          /* other characters */
        "====", "=m9v",  "Z===", "Zg==Zm9v", "Z=g=", /* padding elsewhere */
    };
    uint8_t out[16];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(base64_decode(slice_str(texts[i]), out, sizeof out) == -1, "took \"%s\"",
                      texts[i]);
    }
}
END_TEST

START_TEST(base64_does_not_write_beyond_its_room)
{
    uint8_t out[6] = {0};

    ck_assert_int_eq(base64_decode(slice_str("Zm9vYmFy"), out, 5), -1);
    ck_assert_uint_eq(out[5], 0);
    ck_assert_int_eq(base64_decode(slice_str("Zg=="), out, 1), 1);
    ck_assert_int_eq(base64_decode(slice_str("Zg=="), out, 0), -1);
}
END_TEST

START_TEST(hex_is_lower_case_and_terminated)
{
    char out[9];
    memset(out, 'x', sizeof out);

    hex_encode(slice_of("\x00\x1f\xab\xff", 4), out);

    ck_assert_str_eq(out, "001fabff");
}
END_TEST

START_TEST(hex_of_nothing_is_the_empty_string)
{
    char out[1] = {'x'};

    hex_encode(SLICE_EMPTY, out);

    ck_assert_str_eq(out, "");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("base.encode");
    TCase *tcase = tcase_create("encode");
    int count = (int)(sizeof vectors / sizeof *vectors);

    tcase_add_loop_test(tcase, base64_writes_the_vectors_of_its_rfc, 0, count);
    tcase_add_loop_test(tcase, base64_reads_the_vectors_of_its_rfc, 0, count);
    tcase_add_test(tcase, base64_returns_every_byte_as_it_was);
    tcase_add_test(tcase, base64_appends);
    tcase_add_test(tcase, base64_that_is_not_canonical_is_refused);
    tcase_add_test(tcase, base64_does_not_write_beyond_its_room);
    tcase_add_test(tcase, hex_is_lower_case_and_terminated);
    tcase_add_test(tcase, hex_of_nothing_is_the_empty_string);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
