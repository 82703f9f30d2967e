// SPDX-License-Identifier: MIT
#include "pool/birth.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "pool/pool.h"
#include "pool/pools.h"

struct birth *birth_find_or_add(struct pool *pool, const struct context_setting *settings, size_t n)
{
    struct context_table *table = &pool->owner->contexts;
    struct context *context = context_intern(table, pool, settings, n);
    struct birth *birth;

    HASH_FIND_PTR(pool->births, &context, birth);
    if (birth != NULL) {
        context_unref(table, context);
        return birth_ref(birth);
    }
    birth = x_zalloc(sizeof *birth);
    birth->pool = pool;
    birth->settings = context;
    birth->refs = 1;
    list_init(&birth->idle);
    HASH_ADD_PTR(pool->births, settings, birth);
    return birth;
}

struct birth *birth_ref(struct birth *birth)
{
    birth->refs++;
    return birth;
}

void birth_unref(struct birth *birth)
{
    if (birth == NULL || --birth->refs > 0) {
        return;
    }
    assert(list_empty(&birth->idle) && birth->connecting == 0);
    HASH_DEL(birth->pool->births, birth);
    context_unref(&birth->pool->owner->contexts, birth->settings);
    parameters_release(&birth->welcome);
    free(birth);
}

bool birth_is_chosen(const struct birth *birth)
{
    for (size_t i = 0; i < birth->settings->count; i++) {
        if (!birth->settings->settings[i].fixed) {
            return true;
        }
    }
    return false;
}

struct slice birth_welcome_value(const struct birth *birth, struct slice name)
{
    return parameters_find(&birth->welcome, name);
}
