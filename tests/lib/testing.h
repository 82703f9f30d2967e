// SPDX-License-Identifier: MIT
//
// testing: what every unit test needs. A test file defines cases with START_TEST, puts them into a
// suite, and ends with TEST_MAIN(make_suite). Included once per program.
#ifndef TESTING_H
#define TESTING_H

#include <check.h>
#include <stdlib.h>

#include "base/slice.h"

#define ck_assert_slice_str(got, str)                                                              \
    do {                                                                                           \
        struct slice ck_slice_ = (got);                                                            \
        const char *ck_str_ = (str);                                                               \
        ck_assert_msg(slice_eq_str(ck_slice_, ck_str_), "%s is \"%.*s\", not \"%s\"", #got,        \
                      (int)ck_slice_.n, (const char *)ck_slice_.p, ck_str_);                       \
    } while (0)

/* Seconds after which a case counts as hanging: far more than any needs on a busy machine. */
#define TEST_PATIENCE "60"

#define TEST_MAIN(make_suite)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        (void)setenv("CK_DEFAULT_TIMEOUT", TEST_PATIENCE, 0);                                      \
        SRunner *runner = srunner_create(make_suite());                                            \
        srunner_run_all(runner, CK_NORMAL);                                                        \
        int failed = srunner_ntests_failed(runner);                                                \
        srunner_free(runner);                                                                      \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                          \
    }

#endif
