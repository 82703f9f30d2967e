// SPDX-License-Identifier: MIT
//
// bytes: messages as literals, with the NULs inside them.
#ifndef TEST_WIRE_BYTES_H
#define TEST_WIRE_BYTES_H

#include <check.h>

#include "base/slice.h"

#define BYTES(s) slice_of(s, sizeof(s) - 1)

#define ck_assert_text(is, should)                                                                 \
    do {                                                                                           \
        struct slice ck_is_ = (is);                                                                \
        ck_assert_msg(slice_eq_str(ck_is_, should), "%s is \"%.*s\", not \"%s\"", #is,             \
                      (int)ck_is_.n, (const char *)ck_is_.p, should);                              \
    } while (0)

#define ck_assert_bytes(is, should)                                                                \
    do {                                                                                           \
        struct slice ck_is_ = (is);                                                                \
        ck_assert_msg(slice_eq(ck_is_, should), "%s is not %s", #is, #should);                     \
    } while (0)

#endif
