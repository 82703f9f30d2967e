// SPDX-License-Identifier: MIT
//
// show: a snapshot as rows, for SHOW CONFIG, and the reference of all keys, for --reference. No row
// holds a secret. Any thread.
#ifndef CONFIG_SHOW_H
#define CONFIG_SHOW_H

#include <stdbool.h>

#include "base/buf.h"
#include "config/config.h"

struct config_row {
    const char *key;      /* "tenants.acme.pool.size" */
    const char *value;    /* as one would write it, without quotes around a text; "" for none */
    const char *fallback; /* the default, likewise; of a tenant: what tenants.defaults says */
    bool reloadable;
};

typedef void (*config_row_cb)(void *context, const struct config_row *row);

/* Calls back for every key: those at the top, of every server, user and provider, of the tenants'
 * defaults, and of each tenant what differs from them. The row is gone after the call. */
void config_show(const struct config *config, config_row_cb on_row, void *context);

/* Every key as YAML that can be loaded, with type, default, reloadable or not, and help. */
void config_reference(struct buf *out);

#endif
