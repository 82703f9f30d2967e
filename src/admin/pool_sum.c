// SPDX-License-Identifier: MIT
#include "admin/pool_sum.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/record.h"
#include "base/alloc.h"

/* What is done in one turn, for which a query waits: pools that are copied, where sixteen
 * connections that are looked at count as another. */
#define POOLS_A_TURN         100
#define CONNECTIONS_FOR_POOL 16

/* ---- on the worker's thread ---- */

static void count_connection(struct pool_record *r, const struct backend *b)
{
    switch (b->state) {
    case BACKEND_CONNECTING:
    case BACKEND_LOGIN:
        r->login++;
        break;
    case BACKEND_IDLE:
        r->idle++;
        break;
    case BACKEND_LINKED:
        r->active++;
        break;
    case BACKEND_CLEANING:
        r->tested++;
        break;
    case BACKEND_HELD:
        r->being_canceled++;
        break;
    case BACKEND_CLOSED:
    case BACKEND_STATES:
        break;
    }
}

static uint64_t oldest_request(const struct pool *pool)
{
    const struct list *head = list_head(&pool->queue);

    return head == NULL ? 0 : container_of(head, struct pool_request, queue_node)->since;
}

static void collect(const struct pool *pool, struct buf *out)
{
    struct pool_record *r = record_add(out, sizeof *r);

    record_name(r->name.server, pool->server->name);
    record_name(r->name.database, pool->database);
    record_name(r->name.user, pool->role);
    record_name(r->name.tenant, pool_tenant(pool));
    r->workers = 1;
    r->clients = pool->refs;
    r->waiting = pool->waiting;
    r->tenants = HASH_COUNT(pool->lanes);
    r->size = (int)pool->size;
    r->min_size = pool->settings.min_size;
    r->reserve_size = pool->settings.reserve_size;
    r->lifetime = pool->settings.lifetime;
    r->mode = pool->settings.mode;
    r->paused = pool->paused;
    r->waiting_since = oldest_request(pool);
    if (pool->failure.code != 0) {
        (void)snprintf(r->failure, sizeof r->failure, "%.127s", pool->failure.text);
    }
    r->stats = pool->stats;
    for (struct list *node = pool->all.next; node != &pool->all; node = node->next) {
        count_connection(r, container_of(node, struct backend, pool_node));
    }
}

static int collect_bucket(const UT_hash_table *table, uint32_t bucket, struct buf *out)
{
    int n = 0;

    for (UT_hash_handle *hh = table->buckets[bucket].hh_head; hh != NULL; hh = hh->hh_next) {
        const struct pool *pool = ELMT_FROM_HH(table, hh);
        collect(pool, out);
        n += 1 + (int)(pool->count / CONNECTIONS_FOR_POOL);
    }
    return n;
}

/* Pools come and go between turns: the table's buckets are what is gone through. */
enum gather_step pool_sum_collect(struct proxy *proxy, const struct question *question,
                                  struct gather_part *part)
{
    const struct pool *first = proxy->pools.pools;
    uint32_t bucket = (uint32_t)part->state;
    int n = 0;

    (void)question;
    if (first == NULL) {
        return GATHER_DONE;
    }
    const UT_hash_table *table = first->hh.tbl;
    if (part->state >> 32 != table->num_buckets) { /* the first turn, or the table has grown */
        buf_clear(&part->answer);
        bucket = 0;
    }
    for (; bucket < table->num_buckets; bucket++) {
        if (n >= POOLS_A_TURN) {
            part->state = (uint64_t)table->num_buckets << 32 | bucket;
            return GATHER_AGAIN;
        }
        n += collect_bucket(table, bucket, &part->answer);
    }
    return GATHER_DONE;
}

/* ---- on the control thread ---- */

static void add_up(struct pool_record *to, const struct pool_record *r)
{
    to->workers++;
    to->clients += r->clients;
    to->waiting += r->waiting;
    to->tenants = r->tenants > to->tenants ? r->tenants : to->tenants;
    to->active += r->active;
    to->idle += r->idle;
    to->tested += r->tested;
    to->being_canceled += r->being_canceled;
    to->login += r->login;
    pool_stats_add(&to->stats, &r->stats);
    to->size = to->size == 0 || r->size == 0 ? 0 : to->size + r->size;
    to->paused = to->paused || r->paused;
    if (to->waiting_since == 0 || (r->waiting_since != 0 && r->waiting_since < to->waiting_since)) {
        to->waiting_since = r->waiting_since;
    }
    if (to->failure[0] == '\0') {
        memcpy(to->failure, r->failure, sizeof to->failure);
    }
}

struct pool_sum *pool_sum_make(const struct gather *answers)
{
    struct record_walk walk = {.answers = answers};
    struct pool_sum *sums = NULL;
    const struct pool_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        struct pool_sum *sum;
        HASH_FIND(hh, sums, &r->name, sizeof r->name, sum);
        if (sum != NULL) {
            add_up(&sum->record, r);
            continue;
        }
        sum = x_zalloc(sizeof *sum);
        sum->record = *r;
        HASH_ADD_KEYPTR(hh, sums, &sum->record.name, sizeof sum->record.name, sum);
    }
    return sums;
}

void pool_sum_free(struct pool_sum *sums)
{
    struct pool_sum *sum;
    struct pool_sum *next;

    HASH_ITER (hh, sums, sum, next) {
        HASH_DEL(sums, sum);
        free(sum);
    }
}

const char *pool_mode_name(enum pool_mode mode)
{
    switch (mode) {
    case POOL_SESSION:
        return "session";
    case POOL_TRANSACTION:
        return "transaction";
    case POOL_STATEMENT:
        return "statement";
    }
    return "?";
}
