// SPDX-License-Identifier: MIT
#include "pool/supply.h"

#include "base/alloc.h"
#include "base/log.h"
#include "pool/idle.h"
#include "pool/origin.h"
#include "pool/pools.h"

#define CONNECTING_MAX 8    /* logins under way at once, of one pool */
#define RENEWAL_PAUSE  3000 /* ms between two times that a password is fetched anew */
#define BACKOFF_FIRST  100  /* ms until the second attempt of a row; doubles up to login_retry */

static struct deadlines *deadlines(struct pool *pool)
{
    return &pool->owner->loop->deadlines;
}

bool supply_given_up(const struct pool *pool)
{
    return pool->failure.code != 0 && pool->count == pool->connecting &&
           loop_now(pool->owner->loop) - pool->failing_since >
               (uint64_t)pool->server->connect_timeout;
}

static void on_retry(struct deadline *deadline)
{
    supply_launch(container_of(deadline, struct pool, retry));
}

/* In need the pool may have the reserve as well. */
bool supply_has_room(const struct pool *pool)
{
    uint32_t reserve = pool->reserve_open ? (uint32_t)pool->settings.reserve_size : 0;

    return pool->size == 0 || pool->count < pool->size + reserve;
}

/* When somebody has waited so long, the reserve is open for as long as anybody waits. */
static void on_reserve(struct deadline *deadline)
{
    struct pool *pool = container_of(deadline, struct pool, reserve);

    if (pool->waiting > pool->held) {
        struct log_origin origin = origin_of_pool(pool);
        log_about(LOG_INFO, &origin, "taking connection from reserve_pool");
        pool->reserve_open = true;
        supply_launch(pool);
    }
}

static void watch_reserve(struct pool *pool)
{
    if (pool->waiting == pool->held) {
        pool->reserve_open = false;
        deadline_disarm(&pool->reserve);
    } else if (pool->settings.reserve_size > 0 && !pool->reserve_open &&
               !deadline_armed(&pool->reserve)) {
        deadline_arm(deadlines(pool), &pool->reserve, (uint64_t)pool->settings.reserve_timeout,
                     on_reserve);
    }
}

/* Visits those who wait, in turn, but no more than could be served by what is being made. */
static struct birth *visit(const struct pool *pool, struct birth *(*look)(struct birth *birth))
{
    uint32_t seen = 0;

    list_each_safe (node, tmp, &pool->ring) {
        const struct lane *lane = container_of(node, struct lane, ring_node);
        list_each_safe (waiter, next, &lane->waiters) {
            struct birth *found = look(container_of(waiter, struct pool_request, node)->birth);
            if (found != NULL || ++seen > CONNECTING_MAX) {
                return found;
            }
        }
    }
    return NULL;
}

static struct birth *start_claims(struct birth *birth)
{
    birth->claimed = 0;
    return NULL;
}

static struct birth *claim(struct birth *birth)
{
    uint32_t coming = birth->idle_count + birth->connecting + birth->resetting;

    return birth->claimed++ < coming ? NULL : birth;
}

/* The birth that the next connection should have, or NULL: somebody waits for one, or there are
 * fewer than there should always be. Where not all are alike, it is that of the first who waits and
 * for whom there is none. */
static struct birth *wanted(const struct pool *pool)
{
    struct birth *birth = NULL;

    if (pool->waiting - pool->held > pool->connecting + pool->resetting) {
        if (HASH_COUNT(pool->births) == 1) {
            return pool->births;
        }
        (void)visit(pool, start_claims);
        birth = visit(pool, claim);
    }
    if (birth == NULL && pool->count < (uint32_t)pool->settings.min_size && pool->refs > 0) {
        birth = pool->birth;
    }
    return birth;
}

/* An idle one that nobody who waits can use gives way to one that somebody can. */
static bool make_room(struct pool *pool)
{
    if (supply_has_room(pool)) {
        return true;
    }
    if (list_empty(&pool->idle) || HASH_COUNT(pool->births) == 1) {
        return false;
    }
    idle_close_oldest(pool); /* which launches what there is room for then */
    return false;
}

static bool may_connect(const struct pool *pool)
{
    return pool->connecting < CONNECTING_MAX && !pool->paused && !pool->owner->draining &&
           pool->renewal != RENEWAL_ASKED && !deadline_armed(&pool->retry) &&
           (pool->failure.code == 0 || pool->connecting == 0);
}

void supply_launch(struct pool *pool)
{
    watch_reserve(pool);
    struct birth *birth;

    while (may_connect(pool) && (birth = wanted(pool)) != NULL && make_room(pool)) {
        if (!pool->counted) {
            pool->counted = true;
            atomic_fetch_add(&pool->host->budget->pools, 1);
        }
        if (!host_take(pool->host, &pool->claim)) {
            return;
        }
        pool->renewal = RENEWAL_NONE;
        pool_start_connection(pool, birth);
    }
}

void supply_note_success(struct pool *pool)
{
    pool->failure.code = 0;
    pool->backoff = 0;
    pool->renewed = 0; /* this password is right: once refused, it was changed */
    deadline_disarm(&pool->retry);
}

/* A server that says it is starting up, or that it was told to go, may be back soon. */
static bool is_passing(const struct err *err)
{
    return err->code != ERR_SERVER || strcmp(err->sqlstate, "57P03") == 0 ||
           strcmp(err->sqlstate, "57P01") == 0;
}

/* The pause that has grown, but no longer than the grace of those who wait. */
static uint64_t next_attempt(const struct pool *pool, uint64_t now)
{
    uint64_t end = pool->failing_since + (uint64_t)pool->server->connect_timeout + 1;

    return end > now && end - now < pool->backoff ? end - now : pool->backoff;
}

/* The next attempt comes after a pause; those who need not hope are told. */
static void give_up(struct pool *pool, const struct err *err)
{
    uint64_t now = loop_now(pool->owner->loop);
    uint32_t most = (uint32_t)pool->server->login_retry;

    pool->backoff = pool->backoff == 0 ? BACKOFF_FIRST : 2 * pool->backoff;
    pool->backoff = most != 0 && pool->backoff > most ? most : pool->backoff;
    deadline_arm(deadlines(pool), &pool->retry, next_attempt(pool, now), on_retry);
    if (pool->count == pool->connecting && (!is_passing(err) || supply_given_up(pool))) {
        lane_refuse_all(pool, err);
    }
}

static bool begin_renewal(struct pool *pool, enum store_turn turn)
{
    if (turn == STORE_CURRENT) {
        secure_free(pool->refused);
        pool->refused = NULL;
    }
    pool->turn = turn;
    if (!pool->owner->renew_secret(pool)) {
        return false;
    }
    pool->renewal = RENEWAL_ASKED;
    pool->renewed = loop_now(pool->owner->loop);
    return true;
}

/* The server does not take the current one: a rotation may be under way, or have been cut off. */
static bool begin_next(struct pool *pool)
{
    if (pool->secret_from != CREDENTIAL_TENANT || pool->turn == STORE_FORMER) {
        return false;
    }
    if (pool->turn == STORE_CURRENT && pool->credential.secret != NULL) {
        secure_free(pool->refused);
        pool->refused = x_strdup(pool->credential.secret);
    }
    return begin_renewal(pool, pool->turn + 1);
}

/* Whether the password may have been changed, and the answer to that is still to come. */
static bool renews(struct pool *pool, const struct err *err)
{
    uint64_t now = loop_now(pool->owner->loop);

    if (pool->renewal != RENEWAL_NONE) {
        return true;
    }
    if (err->code != ERR_SERVER || strcmp(err->sqlstate, "28P01") != 0 ||
        pool->owner->renew_secret == NULL) {
        return false;
    }
    return pool->renewed != 0 && now - pool->renewed < RENEWAL_PAUSE
               ? begin_next(pool)
               : begin_renewal(pool, STORE_CURRENT);
}

void supply_note_failure(struct pool *pool, const struct backend *b, const struct err *err)
{
    struct log_origin origin = backend_origin(b);

    if (pool->failure.code == 0) {
        pool->failing_since = loop_now(pool->owner->loop);
    }
    pool->failure = *err;
    pool->first_host++; /* another host may be better */
    log_about(LOG_WARNING, &origin, "server connection failed reason=\"%s\"", err->text);
    if (!renews(pool, err)) {
        give_up(pool, err);
    }
}

void supply_renew_secret(struct pool *pool)
{
    if (pool->owner->renew_secret != NULL && pool->renewal == RENEWAL_NONE) {
        (void)begin_renewal(pool, STORE_CURRENT);
    }
}

void supply_take_secret(struct pool *pool, const char *secret)
{
    if (secret == NULL || credential_has_secret(&pool->credential, secret)) {
        if (pool->failure.code != 0 && begin_next(pool)) {
            return;
        }
        pool->renewal = RENEWAL_NONE;
        if (pool->failure.code != 0) {
            give_up(pool, &pool->failure);
        }
        supply_launch(pool);
        return;
    }
    struct log_origin origin = origin_of_pool(pool);
    log_about(LOG_INFO, &origin, "password was changed");
    credential_set_secret(&pool->credential, secret);
    pool->secret_newer = pool->config;
    pool->renewal = RENEWAL_READY;
    pool_retire_connections(pool);
    supply_launch(pool);
}
