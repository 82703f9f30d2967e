// SPDX-License-Identifier: MIT
//
// fuzz_wire_error: the input is the body of an ErrorResponse from a hostile server. What we make of
// it must parse again and say the same.
#include <assert.h>

#include "wire/error.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_err(const struct err *err)
{
    assert(err->code == ERR_SERVER && strlen(err->sqlstate) == 5);
    assert(memchr(err->text, 0, sizeof err->text) != NULL && err->text[0] != '\0');
    assert(memchr(err->hint, 0, sizeof err->hint) != NULL);
    for (const char *p = err->text; *p != '\0'; p++) {
        assert((uint8_t)*p >= 0x20 && *p != 0x7f);
    }
}

static void check_round_trip(const struct err *err)
{
    struct buf out = {0};
    struct frame frame;
    struct error_fields fields;
    struct err again;

    error_build(&out, WIRE_ERROR, "ERROR", err);
    assert(frame_peek(buf_slice(&out), &frame) == FRAME_OK && frame.size == buf_size(&out));
    assert(error_parse(frame_body(buf_slice(&out), &frame), &fields) == 0);
    assert(slice_eq_str(fields.severity, "ERROR"));
    error_to_err(&fields, &again);
    assert(strcmp(again.sqlstate, err->sqlstate) == 0);
    assert(strcmp(again.text, err->text) == 0);
    assert(strcmp(again.hint, err->hint) == 0);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error_fields fields;
    struct err err;

    if (error_parse(slice_of(data, size), &fields) != 0) {
        assert(fields.message.n == 0 && fields.sqlstate.n == 0);
        return 0;
    }
    error_to_err(&fields, &err);
    check_err(&err);
    check_round_trip(&err);
    return 0;
}
