// SPDX-License-Identifier: MIT
//
// fuzz_wire_token: the input is an SQL text. Tokens lie in it, in their order, and every step
// shortens what is left.
#include <assert.h>

#include "wire/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct slice sql, struct slice (*next)(struct slice *))
{
    const uint8_t *at = sql.p;
    const uint8_t *end = sql.p + sql.n;
    struct slice left = sql;

    for (struct slice token = next(&left); token.n > 0; token = next(&left)) {
        assert(token.p >= at && token.p + token.n <= end);
        assert(left.n == 0 || left.p == token.p + token.n);
        assert(token.p[0] != ' ' && token.p[0] != ';' && token.p[0] != 0);
        at = token.p + token.n;
        (void)token_is(token, "deallocate");
    }
    assert(next(&left).n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        walk(slice_of(data, size), token_next);
        walk(slice_of(data, size), token_next_name);
    }
    return 0;
}
