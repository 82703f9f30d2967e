// SPDX-License-Identifier: MIT
//
// Any bytes as a configuration file: a snapshot, or at least one fault, never both. A snapshot must
// show, and must be no different from itself.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/diff.h"
#include "config/load.h"
#include "config/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_row(void *context, const struct config_row *row)
{
    size_t *bytes = context;

    *bytes += strlen(row->key) + strlen(row->value) + strlen(row->fallback);
}

static void use(const struct config *config)
{
    struct config_changes changes = {0};
    size_t bytes = 0;

    config_show(config, on_row, &bytes);
    assert(bytes > 0);
    config_diff(config, config, &changes);
    assert(changes.count == 0);
    for (size_t i = 0; i < config->tenant_count; i++) {
        struct slice name = slice_str(config->tenants[i].name);
        assert(config_valid_tenant_name(name));
        assert(config_tenant(config, name) == &config->tenants[i]);
        assert(config_server(config, config->tenants[i].config->server) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;

    int result = config_parse("fuzz.yaml", slice_of(data, size), &config, &faults);
    assert((result == 0) == (config != NULL));
    assert((result == 0) == (faults.count == 0));
    if (config != NULL) {
        use(config);
    }
    struct buf out = {0};
    config_faults_print(&faults, &out);
    buf_release(&out);
    config_faults_fini(&faults);
    config_unref(config);
    return 0;
}
