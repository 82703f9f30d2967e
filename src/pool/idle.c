// SPDX-License-Identifier: MIT
#include "pool/idle.h"

#include "pool/pools.h"

static struct deadlines *deadlines(struct pool *pool)
{
    return &pool->owner->loop->deadlines;
}

void idle_remove(struct pool *pool, struct backend *b)
{
    if (!list_empty(&b->idle_node)) {
        list_remove(&b->idle_node);
        list_remove(&b->context_node);
        list_remove(&b->birth_node);
        b->birth->idle_count--;
        list_remove(&b->host_node);
        deadline_disarm(&b->deadline);
        pool->idle_count--;
    }
}

static void on_idle_timeout(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, deadline);
    struct pool *pool = b->owner;

    if (pool->count > (uint32_t)pool->settings.min_size || b->birth != pool->birth) {
        backend_close_for(b, BACKEND_END_IDLE);
    } else {
        deadline_arm(deadlines(pool), deadline, (uint64_t)pool->settings.idle_timeout,
                     on_idle_timeout);
    }
}

void idle_put(struct pool *pool, struct backend *b)
{
    struct context *in_force = backend_in_force(b);

    list_push_head(&pool->idle, &b->idle_node);
    if (in_force != NULL && !b->context_unknown) {
        list_push_head(&in_force->idle, &b->context_node);
    }
    list_push_head(&b->birth->idle, &b->birth_node);
    b->birth->idle_count++;
    list_push_head(&pool->host->idle, &b->host_node);
    deadline_arm(deadlines(pool), &b->deadline, (uint64_t)pool->settings.idle_timeout,
                 on_idle_timeout);
    b->used_at = loop_now(pool->owner->loop);
    pool->idle_count++;
}

/* A connection that rested long may be dead without a sign: ask it before it is used. */
static bool must_check(const struct pool *pool, const struct backend *b)
{
    return pool->settings.check_delay > 0 &&
           loop_now(pool->owner->loop) - b->used_at > (uint64_t)pool->settings.check_delay;
}

bool idle_may_share(const struct lane *lane, const struct backend *b)
{
    if (seal_key_is_set(&lane->seal) && b->start[0] == '\0') {
        return false;
    }
    if (b->context == NULL) {
        return true;
    }
    const struct lane *last = context_lane(b->context);
    return last->account == lane->account ||
           (lane->reset != RESET_BACKEND && last->reset != RESET_BACKEND);
}

/* By affinity: one already in the context, else the least recently used one. */
static struct backend *best_idle(const struct pool_request *request)
{
    struct list *node = list_head(&request->context->idle);

    if (node != NULL) {
        struct backend *b = container_of(node, struct backend, context_node);
        if (b->birth == request->birth) {
            return b;
        }
    }
    node = list_tail(&request->birth->idle);
    return node == NULL ? NULL : container_of(node, struct backend, birth_node);
}

struct backend *idle_choose(struct pool *pool, const struct pool_request *request)
{
    for (;;) {
        struct backend *b = best_idle(request);
        if (b == NULL) {
            return NULL;
        }
        idle_remove(pool, b);
        if (!idle_may_share(request->lane, b)) {
            backend_close_for(b, BACKEND_END_TENANT);
        } else if (must_check(pool, b)) {
            backend_clean(b, "");
        } else {
            return b;
        }
    }
}

void idle_close_oldest(struct pool *pool)
{
    backend_close_for(container_of(list_tail(&pool->idle), struct backend, idle_node),
                      BACKEND_END_ROOM);
}
