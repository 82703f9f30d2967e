// SPDX-License-Identifier: MIT
//
// Any bytes as AWS's shared credentials file: what is found lies in it, is whole, and no profile
// gets keys of another.
#include <assert.h>
#include <string.h>

#include "secret/aws_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const profiles[] = {"default", "prod"};
    struct slice text = slice_of(data, size);

    for (size_t i = 0; i < 2; i++) {
        struct session keys = {0};
        bool found = aws_keys_parse_file(text, profiles[i], &keys);
        for (size_t part = 0; part < SESSION_PARTS; part++) {
            const char *value = keys.parts[part];
            assert(value == NULL ||
                   (found && value[0] != '\0' && memmem(data, size, value, strlen(value)) != NULL));
        }
        assert(!found || memmem(data, size, profiles[i], strlen(profiles[i])) != NULL);
        assert(!found ||
               (keys.parts[AWS_ACCESS_KEY] != NULL && keys.parts[AWS_SECRET_KEY] != NULL));
        session_fini(&keys);
    }
    return 0;
}
