// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include "testing.h"

static struct buf buf;

static void release(void)
{
    buf_release(&buf);
}

static void ck_assert_holds(const char *text)
{
    ck_assert_msg(slice_eq_str(buf_slice(&buf), text), "holds \"%.*s\", not \"%s\"",
                  (int)buf_size(&buf), (const char *)buf_slice(&buf).p, text);
}

START_TEST(a_zeroed_struct_is_an_empty_buf)
{
    ck_assert_uint_eq(buf_size(&buf), 0);
    ck_assert_ptr_null(buf_slice(&buf).p);
}
END_TEST

START_TEST(appends_stand_in_a_row)
{
    buf_append(&buf, "ab", 2);
    buf_append_slice(&buf, slice_str("cd"));
    buf_append_u8(&buf, 'e');

    ck_assert_holds("abcde");
}
END_TEST

START_TEST(appending_nothing_allocates_nothing)
{
    buf_append(&buf, NULL, 0);
    buf_append_slice(&buf, SLICE_EMPTY);

    ck_assert_ptr_null(buf.p);
}
END_TEST

START_TEST(numbers_are_in_network_order)
{
    buf_append_be16(&buf, 0x0102);
    buf_append_be32(&buf, 0xfffefdfc);

    ck_assert_uint_eq(buf_size(&buf), 6);
    ck_assert_mem_eq(buf_slice(&buf).p, "\x01\x02\xff\xfe\xfd\xfc", 6);
}
END_TEST

START_TEST(a_c_string_keeps_its_terminator)
{
    buf_append_cstr(&buf, "ab");
    buf_append_cstr(&buf, "");

    ck_assert_uint_eq(buf_size(&buf), 4);
    ck_assert_mem_eq(buf_slice(&buf).p, "ab\0\0", 4);
}
END_TEST

START_TEST(printf_appends_without_a_terminator)
{
    buf_append(&buf, "x", 1);
    buf_printf(&buf, "=%d", 12);
    buf_printf(&buf, "%s", "");

    ck_assert_holds("x=12");
}
END_TEST

START_TEST(printf_takes_more_than_the_first_allocation)
{
    buf_printf(&buf, "%0*d", 5000, 1);

    ck_assert_uint_eq(buf_size(&buf), 5000);
    ck_assert_uint_eq(buf_slice(&buf).p[4999], '1');
}
END_TEST

START_TEST(reserved_bytes_count_when_committed)
{
    uint8_t *room = buf_reserve(&buf, 10);
    memcpy(room, "abc", 3);
    ck_assert_uint_eq(buf_size(&buf), 0);

    buf_commit(&buf, 3);

    ck_assert_holds("abc");
}
END_TEST

START_TEST(what_is_there_survives_growth)
{
    for (int i = 0; i < 1000; i++) {
        buf_append_be32(&buf, (uint32_t)i);
    }

    struct slice s = buf_slice(&buf);
    ck_assert_uint_eq(s.n, 4000);
    for (uint32_t i = 0; i < 1000; i++) {
        ck_assert_uint_eq((uint32_t)s.p[4 * i + 2] << 8 | s.p[4 * i + 3], i);
    }
}
END_TEST

START_TEST(consuming_drops_the_front)
{
    buf_append(&buf, "abcdef", 6);

    buf_consume(&buf, 2);

    ck_assert_holds("cdef");
}
END_TEST

START_TEST(appending_behind_a_consumed_front_uses_its_room_again)
{
    char block[200];
    memset(block, 'x', sizeof block);
    buf_append(&buf, block, sizeof block);
    buf_append(&buf, "ab", 2);
    buf_consume(&buf, sizeof block);
    uint32_t cap = buf.cap;

    buf_append(&buf, block, sizeof block);

    ck_assert_uint_eq(buf.cap, cap);
    ck_assert_uint_eq(buf_size(&buf), sizeof block + 2);
    ck_assert_mem_eq(buf_slice(&buf).p, "abxx", 4);
}
END_TEST

START_TEST(consuming_all_makes_all_room_free)
{
    buf_append(&buf, "abc", 3);

    buf_consume(&buf, 3);

    ck_assert_uint_eq(buf.off, 0);
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_uint_gt(buf.cap, 0);
}
END_TEST

START_TEST(clearing_keeps_the_memory)
{
    buf_append(&buf, "abc", 3);
    const uint8_t *p = buf.p;

    buf_clear(&buf);

    ck_assert_uint_eq(buf_size(&buf), 0);
    ck_assert_ptr_eq(buf.p, p);
}
END_TEST

START_TEST(a_released_buf_owns_nothing_and_can_be_used_again)
{
    buf_append(&buf, "abc", 3);

    buf_release(&buf);

    ck_assert_ptr_null(buf.p);
    ck_assert_uint_eq(buf.cap, 0);
    buf_append(&buf, "d", 1);
    ck_assert_holds("d");
}
END_TEST

START_TEST(a_secret_buf_is_released_whether_it_holds_one_or_not)
{
    buf_release_secret(&buf);
    buf_append(&buf, "secret", 6);

    buf_release_secret(&buf);

    ck_assert_ptr_null(buf.p);
    ck_assert_uint_eq(buf_size(&buf), 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("base.buf");
    TCase *tcase = tcase_create("buf");

    tcase_add_checked_fixture(tcase, NULL, release);
    tcase_add_test(tcase, a_zeroed_struct_is_an_empty_buf);
    tcase_add_test(tcase, appends_stand_in_a_row);
    tcase_add_test(tcase, appending_nothing_allocates_nothing);
    tcase_add_test(tcase, numbers_are_in_network_order);
    tcase_add_test(tcase, a_c_string_keeps_its_terminator);
    tcase_add_test(tcase, printf_appends_without_a_terminator);
    tcase_add_test(tcase, printf_takes_more_than_the_first_allocation);
    tcase_add_test(tcase, reserved_bytes_count_when_committed);
    tcase_add_test(tcase, what_is_there_survives_growth);
    tcase_add_test(tcase, consuming_drops_the_front);
    tcase_add_test(tcase, appending_behind_a_consumed_front_uses_its_room_again);
    tcase_add_test(tcase, consuming_all_makes_all_room_free);
    tcase_add_test(tcase, clearing_keeps_the_memory);
    tcase_add_test(tcase, a_released_buf_owns_nothing_and_can_be_used_again);
    tcase_add_test(tcase, a_secret_buf_is_released_whether_it_holds_one_or_not);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
