// SPDX-License-Identifier: MIT
//
// fuzz_wire_extended: the input is the body of a Parse, of a Bind and of a Describe. The pieces of
// what is accepted must fill it to the last byte.
#include <assert.h>

#include "base/err.h"
#include "wire/extended.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parse(struct slice body)
{
    struct parse_view v;
    int rc = extended_parse(body, &v);

    if (rc == 0) {
        assert(v.statement.n + 1 + v.query.n + 1 + v.types.n == body.n);
        assert(v.statement.p == body.p && v.types.n >= 2 && v.types.n % 4 == 2);
        assert(v.types.p + v.types.n == body.p + body.n);
    } else {
        assert(rc == ERR_PROTOCOL && v.query.n == 0);
    }
}

static void check_bind(struct slice body)
{
    struct bind_view v;
    int rc = extended_bind(body, &v);

    if (rc == 0) {
        assert(v.portal.p == body.p && v.statement.p == v.portal.p + v.portal.n + 1);
        assert(v.portal.n + 1 + v.statement.n + 1 + v.rest.n == body.n);
    } else {
        assert(rc == ERR_PROTOCOL && v.statement.n == 0);
    }
}

static void check_target(struct slice body)
{
    struct target_view v;
    int rc = extended_target(body, &v);

    if (rc == 0) {
        assert((v.kind == 'S' || v.kind == 'P') && v.name.n + 2 == body.n);
        assert(slice_find(v.name, 0) < 0);
    } else {
        assert(rc == ERR_PROTOCOL && v.name.n == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_of(data, size);

    check_parse(body);
    check_bind(body);
    check_target(body);
    return 0;
}
