// SPDX-License-Identifier: MIT
#include "admin/scope.h"

#include <assert.h>

#include "admin/record.h"

struct question scope_question(const struct command *command)
{
    struct question q = {.scope = command->has_name ? GATHER_DATABASE : GATHER_ALL};

    record_name(q.name, command->name);
    return q;
}

bool scope_has(const struct question *question, const struct pool *pool)
{
    switch (question->scope) {
    case GATHER_DATABASE:
        return strcmp(pool->database, question->name) == 0;
    case GATHER_TENANT:
        return strcmp(pool_tenant(pool), question->name) == 0;
    case GATHER_ALL:
    case GATHER_CLIENT:
        break;
    }
    return true;
}

/* The gate of a question that names one. */
static enum gate_kind kind_of(const struct question *question)
{
    assert(question->scope == GATHER_DATABASE || question->scope == GATHER_TENANT);
    return question->scope == GATHER_DATABASE ? GATE_DATABASE : GATE_TENANT;
}

uint32_t scope_flags(const struct gates *gates, const struct question *question)
{
    return question->scope == GATHER_ALL
               ? gates->all
               : gates_get(gates, kind_of(question), slice_str(question->name));
}

void scope_shut(struct proxy *proxy, const struct question *question, uint32_t flags)
{
    if (question->scope == GATHER_ALL) {
        pools_shut_all(&proxy->pools, flags);
    } else {
        pools_shut(&proxy->pools, kind_of(question), slice_str(question->name), flags);
    }
}

void scope_open(struct proxy *proxy, const struct question *question, uint32_t flags)
{
    if (question->scope == GATHER_ALL) {
        pools_open_all(&proxy->pools, flags);
    } else {
        pools_open(&proxy->pools, kind_of(question), slice_str(question->name), flags);
    }
}

void scope_note_shut(struct gates *gates, const struct question *question, uint32_t flags)
{
    if (question->scope == GATHER_ALL) {
        gates->all |= flags;
    } else {
        gates_add(gates, kind_of(question), slice_str(question->name), flags);
    }
}

void scope_note_open(struct gates *gates, const struct question *question, uint32_t flags)
{
    if (question->scope == GATHER_ALL) {
        gates->all &= ~flags;
    } else {
        gates_remove(gates, kind_of(question), slice_str(question->name), flags);
    }
}

bool scope_each(struct proxy *proxy, const struct question *question,
                bool (*each)(struct pool *pool))
{
    struct pool *pool;
    struct pool *next;

    HASH_ITER (hh, proxy->pools.pools, pool, next) {
        if (scope_has(question, pool) && !each(pool)) {
            return false;
        }
    }
    return true;
}
