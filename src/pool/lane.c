// SPDX-License-Identifier: MIT
#include "pool/lane.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "pool/letter.h"
#include "pool/origin.h"
#include "pool/pool.h"
#include "pool/pools.h"

struct lane *lane_find(struct pool *pool, struct account *account)
{
    struct lane *lane;

    HASH_FIND_PTR(pool->lanes, &account, lane);
    return lane;
}

struct lane *lane_find_or_add(struct pool *pool, struct account *account,
                              const struct tenant_config *tenant)
{
    struct lane *lane = lane_find(pool, account);

    if (lane == NULL) {
        lane = x_zalloc(sizeof *lane);
        lane->account = account;
        lane->stats = account_stats_of(account, pool->server->name, pool->database);
        lane->pool = pool;
        lane->held = account->paused;
        list_init(&lane->waiters);
        list_init(&lane->ring_node);
        list_init(&lane->full_node);
        HASH_ADD_PTR(pool->lanes, account, lane);
    }
    lane->weight = tenant->limits.weight > 0 ? (uint32_t)tenant->limits.weight : 1;
    lane->connections_max = (uint32_t)tenant->limits.connections;
    lane->reset = tenant->reset;
    return lane;
}

void lane_free_all(struct pool *pool)
{
    struct lane *lane;
    struct lane *next;

    HASH_ITER (hh, pool->lanes, lane, next) {
        HASH_DEL(pool->lanes, lane);
        list_remove(&lane->full_node); /* its tenant may stand aside at other pools as well */
        seal_key_fini(&lane->seal);
        free(lane);
    }
}

static void enter_ring(struct pool *pool, struct lane *lane)
{
    if (list_empty(&lane->ring_node)) {
        lane->credit = lane->weight;
        list_push_tail(&pool->ring, &lane->ring_node);
    }
}

void lane_hold(struct lane *lane, uint8_t why, bool held)
{
    struct pool *pool = lane->pool;
    bool before = lane->held != 0;

    lane->held = (uint8_t)(held ? lane->held | why : lane->held & ~why);
    if (before == (lane->held != 0)) {
        return;
    }
    if (lane->held != 0) {
        pool->held += lane->waiting;
        list_remove(&lane->ring_node);
    } else {
        pool->held -= lane->waiting;
        if (lane->waiting > 0) {
            enter_ring(pool, lane);
        }
    }
}

static uint64_t own_bit(const struct lane *lane)
{
    return (uint64_t)1 << lane->pool->owner->worker % CREW_MAX;
}

static bool take_link(struct lane *lane)
{
    if (lane->connections_max == 0) {
        return true;
    }
    if (!quota_take(&lane->account->quota->links, lane->connections_max)) {
        return false;
    }
    lane->counted++;
    return true;
}

/* A link that ended before it was known who stands aside is taken by the second try. */
static bool stand_aside(struct lane *lane)
{
    (void)atomic_fetch_or(&lane->account->quota->full, own_bit(lane));
    if (take_link(lane)) {
        return false;
    }
    if (list_empty(&lane->full_node)) {
        list_push_tail(&lane->account->full_lanes, &lane->full_node);
        lane_hold(lane, HELD_FULL, true);
    }
    return true;
}

bool lane_link(struct lane *lane)
{
    if (!take_link(lane) && stand_aside(lane)) {
        return false;
    }
    lane->account->connections++;
    return true;
}

void lane_retry_full(struct account *account, const struct pool *but)
{
    struct list *node;

    while ((node = list_pop_head(&account->full_lanes)) != NULL) {
        struct lane *lane = container_of(node, struct lane, full_node);
        lane_hold(lane, HELD_FULL, false);
        if (lane->pool != but) {
            loop_defer(lane->pool->owner->loop, &lane->pool->serve_work);
        }
    }
}

void lane_unlink(struct lane *lane)
{
    struct account *account = lane->account;
    struct quota *quota = account->quota;

    account->connections--;
    if (lane->counted == 0) {
        return;
    }
    lane->counted--;
    atomic_fetch_sub(&quota->links, 1);
    uint64_t full = atomic_load(&quota->full);
    if (full != 0) {
        (void)atomic_fetch_and(&quota->full, ~full);
        letter_post_all(lane->pool->owner, full & ~own_bit(lane), LETTER_LINKS, account->name);
        lane_retry_full(account, lane->pool);
    }
}

void lane_note_time(struct lane *lane, enum time_kind kind, uint64_t ms)
{
    histogram_note(&lane->stats->times.of[kind], ms);
    histogram_note(&lane->pool->stats.times.of[kind], ms);
}

/* Those who did not have to wait are not looked at. */
static void note_wait(const struct pool_request *request)
{
    const struct pool *pool = request->lane->pool;
    uint64_t waited = loop_now(pool->owner->loop) - request->since;

    lane_note_time(request->lane, TIME_WAIT, waited);
    if (pool->owner->slow_wait != 0 && waited >= pool->owner->slow_wait) {
        struct log_origin origin = origin_of_request(request);
        log_about(LOG_WARNING, &origin,
                  "client waited long for a server connection waited_ms=%llu connections=%u "
                  "pool_size=%u waiting=%u held=%s",
                  (unsigned long long)waited, pool->count, pool->size, pool->waiting,
                  request->lane->held == 0                     ? "no"
                  : (request->lane->held & HELD_BY_ORDER) != 0 ? "paused"
                                                               : "limits.connections");
    }
}

void lane_enqueue(struct pool_request *request)
{
    struct lane *lane = request->lane;
    struct pool *pool = lane->pool;

    request->since = loop_now(pool->owner->loop);
    list_push_tail(&lane->waiters, &request->node);
    list_push_tail(&pool->queue, &request->queue_node);
    pool->waiting++;
    lane->waiting++;
    lane->account->waiting++;
    atomic_fetch_add(&lane->account->quota->waiting, 1);
    if (lane->held != 0) {
        pool->held++;
    } else {
        enter_ring(pool, lane);
    }
}

void lane_withdraw(struct pool_request *request)
{
    struct lane *lane = request->lane;

    if (!lane_queued(request)) {
        return;
    }
    list_remove(&request->node);
    list_remove(&request->queue_node);
    lane->pool->waiting--;
    lane->pool->held -= lane->held != 0 ? 1 : 0;
    lane->waiting--;
    lane->account->waiting--;
    atomic_fetch_sub(&lane->account->quota->waiting, 1);
    if (list_empty(&lane->waiters)) {
        list_remove(&lane->ring_node);
    }
    note_wait(request);
}

struct lane *lane_in_turn(struct pool *pool)
{
    struct list *node;

    while ((node = list_head(&pool->ring)) != NULL) {
        struct lane *lane = container_of(node, struct lane, ring_node);
        if (lane_link(lane)) {
            return lane;
        }
    }
    return NULL;
}

struct pool_request *lane_next_request(struct lane *lane)
{
    struct pool *pool = lane->pool;
    struct pool_request *request = lane_first(lane);

    lane_withdraw(request);
    if (--lane->credit == 0 && !list_empty(&lane->ring_node)) {
        lane->credit = lane->weight;
        list_remove(&lane->ring_node);
        list_push_tail(&pool->ring, &lane->ring_node);
    }
    return request;
}

/* They hear it whether or not their tenant is full. */
void lane_refuse_all(struct pool *pool, const struct err *err)
{
    struct list *node;

    while ((node = list_head(&pool->ring)) != NULL) {
        struct pool_request *request =
            lane_next_request(container_of(node, struct lane, ring_node));
        request->ops->on_refused(request, err);
    }
}

static struct pool_request *find_born(const struct pool *pool, const struct birth *birth)
{
    list_each_safe (node, tmp, &pool->ring) {
        const struct lane *lane = container_of(node, struct lane, ring_node);
        list_each_safe (waiter, next, &lane->waiters) {
            struct pool_request *request = container_of(waiter, struct pool_request, node);
            if (request->birth == birth) {
                return request;
            }
        }
    }
    return NULL;
}

/* One at a time: what a client does when it is refused may change the queues. */
void lane_refuse_born(struct pool *pool, const struct birth *birth, const struct err *err)
{
    struct pool_request *request;

    while ((request = find_born(pool, birth)) != NULL) {
        lane_withdraw(request);
        request->ops->on_refused(request, err);
    }
}
