// SPDX-License-Identifier: MIT
//
// levels: tenants that are logged at a level of their own, by order of the console. A worker has
// its own copy, so that a client who comes later obeys too; the control thread keeps one to tell.
// Small: only such tenants have an entry. One thread each.
#ifndef POOL_LEVELS_H
#define POOL_LEVELS_H

#include <stdint.h>

#include "base/log.h"
#include "base/slice.h"

struct own_level;

struct levels {
    struct own_level *tenants; /* uthash by name */
};

/* As struct log_origin has it; LOG_AS_CONFIGURED for most. */
uint8_t levels_get(const struct levels *levels, struct slice tenant);
void levels_set(struct levels *levels, struct slice tenant, uint8_t level);
void levels_fini(struct levels *levels);

/* Its word, or "" for LOG_AS_CONFIGURED. */
const char *levels_word(uint8_t level);

#endif
