// SPDX-License-Identifier: MIT
//
// overlay: a tenant's configuration that was made at run time: the tenants' defaults with a list of
// keys laid over them. The list is a JSON object of one level, from keys of the table ("pool.size",
// "settings.work_mem") to texts: {"strategy": "schema", "pool.size": "5"}. The same table reads it
// as reads the file; what may only stand in the file (secrets, relative paths) is refused.
//
// Tenants with the same list share one: it has no name. It holds a reference to the configuration.
// Counted atomically; immutable; any thread.
#ifndef CONFIG_OVERLAY_H
#define CONFIG_OVERLAY_H

#include "base/err.h"
#include "config/config.h"

struct overlay;

/* With one reference; or NULL with ERR_INVALID_VALUE and the first fault that there is. */
const struct overlay *overlay_build(const struct config *config, struct slice options,
                                    struct err *err);

/* May these keys be given at all? Values are not looked at, nor repeated. ERR_INVALID_VALUE. */
int overlay_check_keys(struct slice options, struct err *err);

/* NULL is allowed. */
const struct overlay *overlay_ref(const struct overlay *overlay);
void overlay_unref(const struct overlay *overlay);

const struct tenant_config *overlay_tenant(const struct overlay *overlay);

#endif
