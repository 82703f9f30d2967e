// SPDX-License-Identifier: MIT
//
// Any bytes as the JSON that a store answers: only an object is one, what is picked out of it is
// fit to be a secret, and printed again it has the same fields.
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "secret/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pick(struct slice text, const char *field)
{
    struct err err = {0};
    char *out = NULL;
    int rc = json_pick(text, field, &out, &err);

    assert((rc == 0) == (out != NULL) && (rc == 0 || err.code == rc));
    assert(out == NULL || (out[0] != '\0' && strlen(out) <= text.n));
    secure_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct err err = {0};
    json_t *object = json_object_of(text, &err);

    assert((object == NULL) == (err.code != 0));
    pick(text, "password");
    pick(text, "SecretString");
    if (object != NULL) {
        json_t *before = json_deep_copy(object);
        char *printed = json_print(object);
        json_t *after = json_object_of(slice_str(printed), &err);
        assert(after != NULL && json_equal(before, after));
        json_decref(after);
        json_decref(before);
        secure_free(printed);
    }
    return 0;
}
