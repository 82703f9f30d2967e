// SPDX-License-Identifier: MIT
#include "ctl/print.h"

#include "testing.h"

static struct buf out;

static void tear_down(void)
{
    buf_release(&out);
}

/* Two columns, a text and a number, and the rows given. */
static PGresult *make_result(const char *const rows[][2], int count)
{
    PGresAttDesc columns[2] = {{.name = (char *)(uintptr_t) "name", .typid = 25},
                               {.name = (char *)(uintptr_t) "n", .typid = 20}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    ck_assert_int_eq(PQsetResultAttrs(result, 2, columns), 1);
    for (int row = 0; row < count; row++) {
        for (int column = 0; column < 2; column++) {
            const char *value = rows[row][column];
            int size = value == NULL ? -1 : (int)strlen(value);
            (void)PQsetvalue(result, row, column, (char *)(uintptr_t)value, size);
        }
    }
    return result;
}

static void ck_printed(PGresult *result, const char *expected)
{
    PQclear(result);
    ck_assert_slice_str(buf_slice(&out), expected);
}

START_TEST(a_table_is_aligned)
{
    static const char *const rows[][2] = {{"acme", "7"},
                                          {"gl\xc3\xb6"
                                           "bex!",
                                           "1234"}};
    PGresult *result = make_result(rows, 2);

    print_table(&out, result);

    ck_printed(result, "name        n\n"
                       "-------  ----\n"
                       "acme        7\n"
                       "gl\xc3\xb6"
                       "bex!  1234\n");
}
END_TEST

START_TEST(an_empty_table_has_its_head)
{
    PGresult *result = make_result(NULL, 0);

    print_table(&out, result);

    ck_printed(result, "name  n\n----  -\n");
}
END_TEST

START_TEST(rows_are_objects_in_json)
{
    static const char *const rows[][2] = {{"a\"b\\c\n\x01", "-7"}, {NULL, NULL}};
    PGresult *result = make_result(rows, 2);

    print_json_rows(&out, result);

    ck_printed(result, "[\n"
                       "  {\"name\": \"a\\\"b\\\\c\\n\\u0001\", \"n\": -7},\n"
                       "  {\"name\": null, \"n\": null}\n"
                       "]\n");
}
END_TEST

START_TEST(no_rows_are_an_empty_array)
{
    PGresult *result = make_result(NULL, 0);

    print_json_rows(&out, result);

    ck_printed(result, "[]\n");
}
END_TEST

START_TEST(a_command_has_its_notices)
{
    print_json_command(&out, "RELOAD", slice_str("one\ntwo\n"));

    ck_assert_slice_str(buf_slice(&out),
                        "{\"command\": \"RELOAD\", \"notices\": [\"one\", \"two\"]}\n");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("print");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, a_table_is_aligned);
    tcase_add_test(tc, an_empty_table_has_its_head);
    tcase_add_test(tc, rows_are_objects_in_json);
    tcase_add_test(tc, no_rows_are_an_empty_array);
    tcase_add_test(tc, a_command_has_its_notices);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
