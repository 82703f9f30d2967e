// SPDX-License-Identifier: MIT
//
// Any bytes as environment variables, a line each, over a small file: a snapshot, or at least one
// fault, never both; every fault can be printed.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"

enum { VARIABLES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char file_text[] = "servers: {main: {host: [a, b]}}\n"
                                "users: {app: {password: {env: X}, tenants: [acme]}}\n"
                                "tenants: {defaults: {pool: {size: 7}}, acme: {}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;
    char *variables[VARIABLES_MAX + 1] = {NULL};
    size_t count = 0;
    char *text = malloc(size + 1);

    assert(text != NULL);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)data[i];
    }
    text[size] = '\0';
    char *rest = text;
    for (char *line; count < VARIABLES_MAX && (line = strsep(&rest, "\n")) != NULL;) {
        variables[count++] = line;
    }
    int result =
        config_parse_environ("fuzz.yaml", slice_str(file_text), variables, &config, &faults);
    assert((result == 0) == (config != NULL));
    assert((result == 0) == (faults.count == 0));
    struct buf out = {0};
    config_faults_print(&faults, &out);
    buf_release(&out);
    config_faults_fini(&faults);
    config_unref(config);
    free(text);
    return 0;
}
