// SPDX-License-Identifier: MIT
#include "admin/metrics_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

#define POOL_LABEL (2 * NAME_SIZE)

/* The pool's own label is put into `name`. */
static struct labels pool_labels(const struct pool_record *r, char name[POOL_LABEL])
{
    (void)snprintf(name, POOL_LABEL, "%s/%s", r->name.database, r->name.user);
    return (struct labels){
        .items = {{"server", r->name.server}, {"pool", name}, {"tenant", r->name.tenant}},
        .count = r->name.tenant[0] == '\0' ? 2 : 3};
}

static uint64_t pool_active(const struct pool_record *r)
{
    return r->active;
}

static uint64_t pool_idle(const struct pool_record *r)
{
    return r->idle;
}

static uint64_t pool_other(const struct pool_record *r)
{
    return pool_record_connections(r) - r->active - r->idle;
}

static uint64_t pool_size(const struct pool_record *r)
{
    return r->size < 0 ? 0 : (uint64_t)r->size;
}

static uint64_t pool_clients(const struct pool_record *r)
{
    return r->clients;
}

static uint64_t pool_waiting(const struct pool_record *r)
{
    return r->waiting;
}

static const struct {
    const char *name;
    const char *help;
    uint64_t (*figure)(const struct pool_record *pool);
} pool_figures[] = {
    {"fahrend_pool_clients", "Clients of the pool that are logged in.", pool_clients},
    {"fahrend_pool_waiting_clients", "Of them, those that wait for a connection.", pool_waiting},
    {"fahrend_pool_active_connections", "Server connections in use.", pool_active},
    {"fahrend_pool_idle_connections", "Server connections that are free.", pool_idle},
    {"fahrend_pool_busy_connections",
     "Server connections that log in, are cleaned, or wait for a cancel request.", pool_other},
    {"fahrend_pool_size", "Server connections at most; 0 is no limit.", pool_size},
};

static int compare_pools(const void *a, const void *b)
{
    const struct pool_record *left = *(const struct pool_record *const *)a;
    const struct pool_record *right = *(const struct pool_record *const *)b;

    return left->clients < right->clients ? 1 : left->clients > right->clients ? -1 : 0;
}

static void write_pool_times(struct exposition *e, const struct pool_record **pools, uint32_t count)
{
    char name[METRIC_NAME];
    char pool[POOL_LABEL];

    for (int kind = 0; kind < TIME_KINDS; kind++) {
        metrics_begin_times(e, name, "pool", kind);
        for (uint32_t i = 0; i < count; i++) {
            struct labels labels = pool_labels(pools[i], pool);
            exposition_histogram(e, &labels, &pools[i]->stats.times.of[kind]);
        }
    }
}

/* Only the reasons that have come: pools are many. */
static void write_pool_connections(struct exposition *e, const struct pool_record **pools,
                                   uint32_t count)
{
    char pool[POOL_LABEL];

    exposition_family(e, "fahrend_pool_opened_connections", FAMILY_COUNTER,
                      "Server connections that were logged in.");
    for (uint32_t i = 0; i < count; i++) {
        struct labels labels = pool_labels(pools[i], pool);
        exposition_uint(e, &labels, pools[i]->stats.opened);
    }
    exposition_family(e, "fahrend_pool_closes", FAMILY_COUNTER,
                      "Server connections that have ended, by reason.");
    for (uint32_t i = 0; i < count; i++) {
        struct labels labels = pool_labels(pools[i], pool);
        uint32_t reason = labels.count++;
        for (int end = 0; end < BACKEND_ENDS; end++) {
            labels.items[reason] = (struct label){"reason", metrics_ends[end]};
            if (pools[i]->stats.ended[end] > 0) {
                exposition_uint(e, &labels, pools[i]->stats.ended[end]);
            }
        }
    }
}

/* Where there are many, those with most clients; what the others do is part of their server's. */
void metrics_write_pools(struct exposition *e, const struct view *view, uint32_t max)
{
    const struct pool_record **pools = x_alloc((view->pool_count + 1) * sizeof *pools);
    uint32_t count = view->pool_count < max ? view->pool_count : max;
    char pool[POOL_LABEL];

    for (uint32_t i = 0; i < view->pool_count; i++) {
        pools[i] = &view->pools[i];
    }
    if (count < view->pool_count) {
        qsort(pools, view->pool_count, sizeof *pools, compare_pools);
    }
    for (size_t f = 0; f < sizeof pool_figures / sizeof pool_figures[0]; f++) {
        exposition_family(e, pool_figures[f].name, FAMILY_GAUGE, pool_figures[f].help);
        for (uint32_t i = 0; i < count; i++) {
            struct labels labels = pool_labels(pools[i], pool);
            exposition_uint(e, &labels, pool_figures[f].figure(pools[i]));
        }
    }
    exposition_family(e, "fahrend_pool_longest_wait_seconds", FAMILY_GAUGE,
                      "How long the first in the queue has waited.");
    for (uint32_t i = 0; i < count; i++) {
        struct labels labels = pool_labels(pools[i], pool);
        uint64_t since = pools[i]->waiting_since;
        exposition_double(e, &labels,
                          since == 0 || since > view->at ? 0 : (double)(view->at - since) / 1000);
    }
    write_pool_connections(e, pools, count);
    write_pool_times(e, pools, count);
    free(pools);
}
