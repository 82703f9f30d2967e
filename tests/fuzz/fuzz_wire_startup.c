// SPDX-License-Identifier: MIT
//
// fuzz_wire_startup: the input is what a stranger sends first, and, a second time, the value of the
// startup parameter "options". What is read out of options must say the same when written down
// again with every byte escaped.
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "wire/startup.h"

enum { CAP = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_err(int rc, const struct err *err)
{
    assert(rc < 0 && err->code == rc && err->text[0] != '\0');
    assert(strlen(err_sqlstate(err)) == 5);
}

static void append_escaped(struct buf *out, const char *s)
{
    for (; *s != '\0'; s++) {
        buf_append_u8(out, '\\');
        buf_append_u8(out, (uint8_t)*s);
    }
}

static struct buf write_options(const struct startup_option *options, int count)
{
    struct buf text = {0};

    for (int i = 0; i < count; i++) {
        buf_append_slice(&text, slice_str(i % 2 == 0 ? " -c \t" : "  --"));
        append_escaped(&text, options[i].name);
        buf_append(&text, "=", 1);
        append_escaped(&text, options[i].value);
    }
    return text;
}

static void check_same(const struct startup_option *options, int count)
{
    struct startup_option again[CAP];
    struct err err = {0};
    struct buf text = write_options(options, count);
    char *memory = x_alloc(buf_size(&text) + 1);

    assert(startup_options(buf_slice(&text), memory, again, CAP, &err) == count);
    for (int i = 0; i < count; i++) {
        assert(strcmp(again[i].name, options[i].name) == 0);
        assert(strcmp(again[i].value, options[i].value) == 0);
    }
    free(memory);
    buf_release(&text);
}

static void read_options(struct slice value)
{
    struct startup_option options[CAP];
    struct err err = {0};
    char *memory = x_alloc(value.n + 1); /* the exact size: the sanitizer sees a byte more */
    int count = startup_options(value, memory, options, CAP, &err);

    if (count < 0) {
        check_err(count, &err);
    } else {
        assert(count <= CAP);
        check_same(options, count);
    }
    free(memory);
}

static void read_parameters(struct slice rest)
{
    struct slice name;
    struct slice value;
    struct err err = {0};
    int rc = startup_next(&rest, &name, &value, &err);

    for (; rc == 1; rc = startup_next(&rest, &name, &value, &err)) {
        assert(name.n > 0 && slice_find(name, 0) < 0 && slice_find(value, 0) < 0);
        if (slice_eq_str(name, "options")) {
            read_options(value);
        }
    }
    if (rc < 0) {
        check_err(rc, &err);
    } else {
        assert(rest.n == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct startup startup;
    struct err err = {0};
    int rc = startup_parse(slice_of(data, size), &startup, &err);

    if (rc < 0) {
        check_err(rc, &err);
    } else if (rc == 0) {
        assert(size < LIMIT_STARTUP_PACKET);
    } else {
        assert(startup.size <= size && startup.body.n == startup.size - 8);
        read_parameters(startup.body);
    }
    read_options(slice_of(data, size));
    return 0;
}
