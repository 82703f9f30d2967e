// SPDX-License-Identifier: MIT
#include "ctl/print.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "testing.h"

static struct buf out;

static void tear_down(void)
{
    buf_release(&out);
}

/* Two columns, a text and one of this type, and the rows given. */
static PGresult *make_typed(Oid type, const char *const rows[][2], int count)
{
    PGresAttDesc columns[2] = {{.name = (char *)(uintptr_t) "name", .typid = 25},
                               {.name = (char *)(uintptr_t) "n", .typid = type}};
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

static PGresult *make_result(const char *const rows[][2], int count)
{
    return make_typed(20, rows, count);
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

/* What one value of a type becomes. */
static void ck_value(Oid type, const char *value, const char *expected)
{
    const char *const rows[][2] = {{"", value}};
    PGresult *result = make_typed(type, rows, 1);
    char *whole = x_printf("[\n  {\"name\": \"\", \"n\": %s}\n]\n", expected);

    print_json_rows(&out, result);

    ck_printed(result, whole);
    buf_release(&out);
    free(whole);
}

START_TEST(values_keep_their_types_in_json)
{
    ck_value(23, "-5", "-5");
    ck_value(1700, "0.10", "0.10");
    ck_value(701, "1e-07", "1e-07");
    ck_value(701, "NaN", "\"NaN\"");
    ck_value(701, "-Infinity", "\"-Infinity\"");
    ck_value(16, "t", "true");
    ck_value(16, "f", "false");
    ck_value(3802, "{\"a\": [1]}", "{\"a\": [1]}");
    ck_value(25, "7", "\"7\"");
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
    tcase_add_test(tc, values_keep_their_types_in_json);
    tcase_add_test(tc, no_rows_are_an_empty_array);
    tcase_add_test(tc, a_command_has_its_notices);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
