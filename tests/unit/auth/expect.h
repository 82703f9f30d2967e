// SPDX-License-Identifier: MIT
//
// expect: what the tests of auth compare most: bytes that a machine made with a text.
#ifndef EXPECT_H
#define EXPECT_H

#include "testing.h"

static inline void expect_text(struct slice got, const char *text)
{
    ck_assert_msg(slice_eq_str(got, text), "got \"%.*s\", not \"%s\"", (int)got.n,
                  (const char *)got.p, text);
}

#endif
