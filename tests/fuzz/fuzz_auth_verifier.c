// SPDX-License-Identifier: MIT
//
// fuzz_auth_verifier: stored secrets, which people write by hand, and the preparation of passwords,
// which strangers send. What is parsed is printed as it was, and what is prepared stays so.
#include <assert.h>

#include "auth/saslprep.h"
#include "auth/verifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_and_print(struct slice text)
{
    struct verifier v;
    struct buf printed = {0};

    if (verifier_parse(&v, text, NULL) == 0) {
        verifier_print(&v, &printed);
        assert(slice_eq(buf_slice(&printed), text));
        verifier_fini(&v);
    }
    buf_release_secret(&printed);
}

static void prepare_twice(struct slice password)
{
    struct buf once = {0};
    struct buf twice = {0};

    saslprep_append(&once, password);
    assert((buf_size(&once) == 0) == (password.n == 0));
    saslprep_append(&twice, buf_slice(&once));
    assert(slice_eq(buf_slice(&twice), buf_slice(&once)));
    buf_release_secret(&once);
    buf_release_secret(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse_and_print(slice_of(data, size));
    prepare_twice(slice_of(data, size));
    return 0;
}
