// SPDX-License-Identifier: MIT
#include "pool/pool.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pool/cancel.h"
#include "pool/idle.h"
#include "pool/origin.h"
#include "pool/pools.h"
#include "pool/supply.h"

static const struct backend_owner_ops owner_ops;

static struct deadlines *deadlines(struct pool *pool)
{
    return &pool->owner->loop->deadlines;
}

/* ---- life ---- */

static void on_room(struct host_claim *claim)
{
    supply_launch(container_of(claim, struct pool, claim));
}

static void on_free_work(struct work *work)
{
    struct pool *pool = container_of(work, struct pool, free_work);

    if (pool->refs == 0 && pool->count == 0) {
        HASH_DEL(pool->owner->pools, pool);
        pool_free(pool);
    }
}

static void serve_waiters(struct pool *pool);

static void on_serve_work(struct work *work)
{
    serve_waiters(container_of(work, struct pool, serve_work));
}

static void free_if_unused(struct pool *pool)
{
    if (pool->refs == 0 && pool->count == 0) {
        loop_defer(pool->owner->loop, &pool->free_work);
    }
}

struct pool *pool_new(struct pools *owner, struct host *host, const char *key, size_t key_size)
{
    struct pool *pool = x_zalloc(sizeof *pool);

    pool->owner = owner;
    pool->host = host;
    pool->key = x_strndup(slice_of(key, key_size));
    memcpy(pool->key, key, key_size);
    pool->key_size = key_size;
    pool->claim.on_room = on_room;
    list_init(&pool->claim.node);
    list_init(&pool->all);
    list_init(&pool->idle);
    list_init(&pool->ring);
    list_init(&pool->queue);
    list_init(&pool->own_node);
    deadline_init(&pool->reserve);
    deadline_init(&pool->retry);
    work_init(&pool->free_work, on_free_work);
    work_init(&pool->serve_work, on_serve_work);
    return pool;
}

void pool_free(struct pool *pool)
{
    assert(pool->count == 0 && pool->waiting == 0);
    host_withdraw(pool->host, &pool->claim);
    list_remove(&pool->free_work.node);
    list_remove(&pool->serve_work.node);
    pool_stats_add(&pool->host->past, &pool->stats);
    atomic_fetch_sub(&pool->host->budget->pools, pool->counted ? 1 : 0);
    deadline_disarm(&pool->reserve);
    deadline_disarm(&pool->retry);
    context_unref(&pool->owner->contexts, pool->startup);
    birth_unref(pool->birth);
    lane_free_all(pool);
    credential_fini(&pool->credential);
    secure_free(pool->refused);
    list_remove(&pool->own_node);
    config_unref(pool->config);
    free(pool->replication);
    free(pool->database);
    free(pool->role);
    free(pool->key);
    free(pool);
}

void pool_ref(struct pool *pool)
{
    pool->refs++;
}

void pool_unref(struct pool *pool)
{
    assert(pool->refs > 0);
    pool->refs--;
    free_if_unused(pool);
}

void pool_adopt(struct pool *pool, const struct pool_config *settings)
{
    bool larger = settings->size == 0 || (pool->size != 0 && (uint32_t)settings->size > pool->size);

    if (!pool->adopted || larger) {
        pool->adopted = true;
        pool->settings = *settings;
        pool->settings.reset_query = NULL;
        pool->size = (uint32_t)settings->size;
    }
}

void pool_note_birth(struct pool *pool, struct birth *birth)
{
    if (pool->birth != birth) {
        birth_unref(pool->birth);
        pool->birth = birth_ref(birth);
    }
}

/* ---- asking and giving ---- */

static int refuse_at_once(const struct pool *pool, struct err *err)
{
    *err = pool->failure;
    err_wrap(err, "server login has been failing, cached error");
    return err->code;
}

int pool_acquire(struct pool_request *request, struct backend **backend, struct err *err)
{
    struct pool *pool = request->lane->pool;

    if (!pool->paused && request->lane->held == 0 && lane_link(request->lane)) {
        struct backend *b = idle_choose(pool, request);
        if (b != NULL) {
            lane_note_time(request->lane, TIME_WAIT, 0);
            *backend = b;
            return 1;
        }
        lane_unlink(request->lane);
        if (supply_given_up(pool) && deadline_armed(&pool->retry)) {
            return refuse_at_once(pool, err);
        }
    }
    lane_enqueue(request);
    supply_launch(pool);
    return 0;
}

static bool worn_out(struct pool *pool, struct backend *b)
{
    return b->close_when_free || pool->owner->draining ||
           (pool->size != 0 && pool->count > pool->size && list_empty(&pool->ring)) ||
           host_wants_back(pool->host, pool->count, list_empty(&pool->ring) || pool->paused);
}

/* Whoever is in turn needs one of another birth, which can be made only where this one stands now:
 * the pool or its server is full, or the server takes no more. */
static bool stands_in_the_way(const struct pool *pool, const struct pool_request *request)
{
    return request->birth->connecting == 0 &&
           (!supply_has_room(pool) || pool->failure.code != 0 || !list_empty(&pool->claim.node));
}

static void grant(struct lane *lane, struct backend *b)
{
    struct pool_request *request = lane_next_request(lane);

    request->ops->on_granted(request, b);
}

/* A connection has come free: to whom? */
static void offer(struct pool *pool, struct backend *b)
{
    if (worn_out(pool, b)) {
        if (pool->owner->draining) {
            b->ending = BACKEND_END_SHUTDOWN;
        } else if (b->ending == BACKEND_END_OTHER) {
            b->ending = BACKEND_END_ROOM;
        }
        backend_close(b, NULL);
        return;
    }
    struct lane *lane = pool->paused ? NULL : lane_in_turn(pool);
    if (lane != NULL) {
        const struct pool_request *request = lane_first(lane);
        if (idle_may_share(lane, b) && request->birth == b->birth) {
            grant(lane, b);
            return;
        }
        lane_unlink(lane);
        if (!idle_may_share(lane, b) || stands_in_the_way(pool, request)) {
            backend_close_for(b, BACKEND_END_TENANT); /* a fresh one is made for the next in turn */
            return;
        }
    }
    idle_put(pool, b);
}

/* Those that wait get what is idle, then what is made for them. */
static void serve_waiters(struct pool *pool)
{
    struct lane *lane;

    while (!pool->paused && !list_empty(&pool->idle) && (lane = lane_in_turn(pool)) != NULL) {
        struct backend *b = idle_choose(pool, lane_first(lane));
        if (b == NULL) {
            lane_unlink(lane);
            break;
        }
        grant(lane, b);
    }
    supply_launch(pool);
}

/* One that was settled when it was let go of will be free in a moment: nobody who waits needs
 * another made. */
static void note_resetting(struct pool *pool, struct backend *b, bool resets)
{
    if (b->resets != resets) {
        b->resets = resets;
        pool->resetting += resets ? 1 : -1U;
        b->birth->resetting += resets ? 1 : -1U;
    }
}

void pool_release(struct pool_request *request, struct backend *backend, const char *reset_query,
                  bool broken)
{
    struct pool *pool = request->lane->pool;
    bool resets = reset_query != NULL && !broken && backend_settled(backend);

    lane_unlink(request->lane);
    note_resetting(pool, backend, resets);
    backend_unlink(backend, reset_query, broken);
    serve_waiters(pool);
    pools_tell_watches(pool->owner);
}

void pool_lost(struct pool_request *request)
{
    struct pool *pool = request->lane->pool;

    lane_unlink(request->lane);
    if (!list_empty(&pool->ring)) {
        loop_defer(pool->owner->loop, &pool->serve_work);
    }
    pools_tell_watches(pool->owner);
}

/* ---- making connections ---- */

void pool_start_connection(struct pool *pool, struct birth *birth)
{
    struct backend *b = slab_alloc(&pool->owner->backends);
    struct backend_target target = {
        .hosts = pool->server->host.items,
        .host_count = pool->server->host.count,
        .first_host = pool->first_host,
        .role = pool->server->role,
        .port = pool->server->port,
        .protocol = pool->server->protocol,
        .tls = pools_server_tls(pool->owner, pool->server->name),
        .tls_config = &pool->server->tls,
        .encrypts = pool->encrypts,
        .connect_timeout = (uint64_t)pool->server->connect_timeout,
        .user = pool->role,
        .database = pool->database,
        .credential = &pool->credential,
        .startup = birth->settings,
        .replication = pool->replication,
        .sealed = pool->sealed,
    };

    pool->owner->next_id += CREW_IDS;
    b->id = pool->owner->next_id + pool->owner->worker;
    b->contexts = &pool->owner->contexts;
    b->birth = birth_ref(birth);
    birth->connecting++;
    b->config = config_ref(pool->config);
    b->pools = pool->owner;
    b->place = pool->host;
    pool->count++;
    pool->connecting++;
    pool->connects++;
    pool->owner->count++;
    backend_start(b, pool->owner->loop, &target, &owner_ops, pool);
    list_push_tail(&pool->all, &b->pool_node);
}

static void on_aged(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, age);

    b->close_when_free = true;
    b->ending = BACKEND_END_AGED;
    if (b->state == BACKEND_IDLE) {
        backend_close(b, NULL);
    }
}

/* Connections made together should not all end together: each lives up to a fifth less than it may.
 */
static void arm_age(struct pool *pool, struct backend *b)
{
    uint64_t lifetime = (uint64_t)pool->settings.lifetime;
    uint64_t steps = b->id / CREW_IDS % 20;

    deadline_arm(deadlines(pool), &b->age, lifetime - lifetime / 100 * steps, on_aged);
}

static void finish_login(struct pool *pool, struct backend *b)
{
    pool->connecting--;
    b->birth->connecting--;
    parameters_copy(&b->birth->welcome, &b->parameters);
    b->logged_in = true;
    if (pool->startup != NULL) {
        const struct context *born = b->birth->settings;
        b->context = context_intern(b->contexts, pool->startup->scope, born->settings, born->count);
    }
    supply_note_success(pool);
    arm_age(pool, b);
}

static void on_ready(struct backend *b)
{
    struct pool *pool = b->owner;

    if (!b->logged_in) {
        pool->stats.opened++;
        finish_login(pool, b);
    }
    note_resetting(pool, b, false);
    offer(pool, b);
    serve_waiters(pool); /* whose turn it is now may have use for one that was idle before */
}

/* A server counts a connection until it has closed its end itself. */
static void give_back(struct pool *pool, struct backend *b)
{
    bool limited = atomic_load(&pool->host->budget->max) != 0;

    b->lingers = limited && backend_may_linger(b) && !pool->owner->closed;
    if (b->lingers) {
        list_push_tail(&pool->owner->lingering, &b->pool_node);
        host_give_later(pool->host);
    } else {
        host_give(pool->host);
    }
}

/* In the mode allow a server is first spoken to in clear. One whose rules forbid that says so once,
 * and hears TLS from then on. */
static bool wants_encryption(struct pool *pool, const struct backend *b, const struct err *err)
{
    if (pool->server->tls.mode != TLS_ALLOW || pool->encrypts || b->conn.tls != NULL ||
        err->code != ERR_SERVER || strcmp(err->sqlstate, "28000") != 0) {
        return false;
    }
    pool->encrypts = true;
    return true;
}

/* Errors by which a server may refuse what a client asked for: the class of values, that of names
 * and rights, an encoding that it cannot convert, and what cannot be set at a login. */
static bool refuses_settings(const struct backend *b, const struct err *err)
{
    return err->code == ERR_SERVER && birth_is_chosen(b->birth) &&
           (strncmp(err->sqlstate, "22", 2) == 0 || strncmp(err->sqlstate, "42", 2) == 0 ||
            strcmp(err->sqlstate, "0A000") == 0 || strcmp(err->sqlstate, "55P02") == 0);
}

static void note_failure(struct pool *pool, const struct backend *b, const struct err *err)
{
    if (refuses_settings(b, err)) {
        struct log_origin origin = backend_origin(b);
        log_about(LOG_INFO, &origin, "server refused what a client asked for reason=\"%s\"",
                  err->text);
        lane_refuse_born(pool, b->birth, err);
    } else if (!wants_encryption(pool, b, err)) {
        supply_note_failure(pool, b, err);
    }
}

static void on_gone(struct backend *b, bool login, const struct err *err)
{
    struct pool *pool = b->owner;

    idle_remove(pool, b);
    list_remove(&b->pool_node);
    note_resetting(pool, b, false);
    cancel_orphan(b);
    pool->stats.ended[login && err != NULL ? BACKEND_END_LOGIN_FAILED
                      : err != NULL        ? BACKEND_END_LOST
                                           : b->ending]++;
    pool->count--;
    pool->connecting -= login ? 1 : 0;
    b->birth->connecting -= login ? 1 : 0;
    pool->owner->count--;
    if (login && err != NULL) {
        note_failure(pool, b, err);
    }
    birth_unref(b->birth);
    b->birth = NULL;
    if (pool->count == 0 && pool->waiting == 0 && pool->counted) {
        pool->counted = false;
        atomic_fetch_sub(&pool->host->budget->pools, 1);
    }
    give_back(pool, b);
    supply_launch(pool);
    free_if_unused(pool);
    if (pool->owner->on_connection_gone != NULL) {
        pool->owner->on_connection_gone(pool->owner);
    }
    pools_tell_watches(pool->owner);
}

static void on_free(struct backend *b)
{
    struct pools *pools = b->pools;
    struct host *given = b->lingers ? b->place : NULL;

    config_unref(b->config);
    slab_free(&pools->backends, b);
    if (given != NULL) {
        host_given(given);
    }
}

static const struct backend_owner_ops owner_ops = {
    .on_ready = on_ready,
    .on_abandoned = cancel_send,
    .on_gone = on_gone,
    .on_free = on_free,
    .origin = origin_of_connection,
};

/* ---- by order of the console ---- */

static void mark_for_closing(struct pool *pool)
{
    list_each_safe (node, tmp, &pool->all) {
        struct backend *b = container_of(node, struct backend, pool_node);
        b->close_when_free = true;
        b->ending = BACKEND_END_ORDER;
    }
    while (!list_empty(&pool->idle)) {
        backend_close(container_of(list_head(&pool->idle), struct backend, idle_node), NULL);
    }
}

void pool_retire_connections(struct pool *pool)
{
    mark_for_closing(pool);
    for (struct birth *birth = pool->births; birth != NULL; birth = birth->hh.next) {
        parameters_release(&birth->welcome);
    }
}

void pool_close_connections(struct pool *pool)
{
    assert(pool->paused);
    mark_for_closing(pool);
    list_each_safe (node, tmp, &pool->all) {
        struct backend *b = container_of(node, struct backend, pool_node);
        if (b->state == BACKEND_CONNECTING || b->state == BACKEND_LOGIN) {
            backend_close(b, NULL);
        }
    }
}

void pool_set_paused(struct pool *pool, bool paused)
{
    pool->paused = paused;
    if (!paused) {
        serve_waiters(pool);
    }
}

void pool_set_held(struct pool *pool, struct account *account, bool held)
{
    struct lane *lane = lane_find(pool, account);

    if (lane == NULL) {
        return;
    }
    lane_hold(lane, HELD_BY_ORDER, held);
    serve_waiters(pool);
}
