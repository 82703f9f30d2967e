// SPDX-License-Identifier: MIT
#include "admin/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/record.h"
#include "admin/stats_sum.h"
#include "base/alloc.h"

struct view_asking {
    struct admin *admin;
    struct view *view;
    view_cb cb;
    void *data;
};

/* What a worker answers to the last question: this, and behind it a host_record for each server. */
struct worker_record {
    uint32_t clients;
    uint32_t connections;
    uint64_t cancels;
    uint64_t closes[ERR_INDEXES];
};

struct host_record {
    char name[NAME_SIZE];
    struct pool_stats past;
};

/* ---- on the worker's thread ---- */

static enum gather_step collect_worker(struct proxy *proxy, const struct question *question,
                                       struct gather_part *part)
{
    struct worker_record *w = record_add(&part->answer, sizeof *w);

    (void)question;
    w->clients = proxy->client_count;
    w->connections = proxy->pools.count;
    w->cancels = proxy->cancels;
    memcpy(w->closes, proxy->closes, sizeof w->closes);
    for (const struct host *host = proxy->pools.hosts; host != NULL; host = host->hh.next) {
        struct host_record *r = record_add(&part->answer, sizeof *r);
        record_name(r->name, host->name);
        r->past = host->past;
    }
    return GATHER_DONE;
}

/* ---- on the control thread ---- */

static struct view_server *find_server(struct view *view, const char *name)
{
    for (uint32_t i = 0; i < view->server_count; i++) {
        if (strcmp(view->servers[i].name, name) == 0) {
            return &view->servers[i];
        }
    }
    return NULL; /* one that a reload took away */
}

static void take_worker(struct view *view, struct view_worker *w, struct slice answer)
{
    struct worker_record r;
    struct host_record host;

    memcpy(&r, answer.p, sizeof r);
    w->clients = r.clients;
    w->connections = r.connections;
    w->cancels = r.cancels;
    memcpy(w->closes, r.closes, sizeof w->closes);
    for (size_t at = sizeof r; at + sizeof host <= answer.n; at += sizeof host) {
        memcpy(&host, answer.p + at, sizeof host);
        struct view_server *server = find_server(view, host.name);
        if (server != NULL) {
            pool_stats_add(&server->stats, &host.past);
        }
    }
}

static void answer(struct view_asking *a)
{
    a->cb(a->data, a->view);
    free(a);
}

/* Nobody is asked any more: the workers end. */
static bool is_over(struct view_asking *a)
{
    if (!a->admin->closing) {
        return false;
    }
    view_unref(a->view);
    a->view = NULL;
    answer(a);
    return true;
}

static void on_workers(void *data, const struct gather *gather)
{
    struct view_asking *a = data;

    for (uint32_t i = 0; i < gather_count(gather); i++) {
        take_worker(a->view, &a->view->workers[i], gather_answer(gather, i));
    }
    answer(a);
}

static void add_pool(struct view *view, const struct pool_record *r)
{
    struct view_server *server = find_server(view, r->name.server);

    view->pools[view->pool_count++] = *r;
    if (server == NULL) {
        return;
    }
    pool_stats_add(&server->stats, &r->stats);
    server->ready += r->active + r->idle + r->tested + r->being_canceled;
    server->waiting += r->waiting;
    if (r->failure[0] != '\0') {
        server->failing_pools++;
        memcpy(server->failure, r->failure, sizeof server->failure);
    }
}

static void on_pools(void *data, const struct gather *gather)
{
    struct view_asking *a = data;
    struct question all = {.scope = GATHER_ALL};
    struct pool_sum *sums = pool_sum_make(gather);

    a->view->pools = x_alloc((HASH_COUNT(sums) + 1) * sizeof *a->view->pools);
    for (const struct pool_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        add_pool(a->view, &sum->record);
    }
    pool_sum_free(sums);
    if (!is_over(a)) {
        gather_start(a->admin, &all, collect_worker, on_workers, a);
    }
}

static void add_worker_stats(struct view *view, const struct gather *gather)
{
    struct record_walk walk = {.answers = gather};
    const struct account_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        stats_add(&view->workers[walk.worker].stats, &r->stats);
    }
}

static void on_accounts(void *data, const struct gather *gather)
{
    struct view_asking *a = data;
    struct view *view = a->view;
    struct question all = {.scope = GATHER_ALL};
    struct account_sum *sums = account_sum_make(gather);

    view->tenants = x_alloc((HASH_COUNT(sums) + 1) * sizeof *view->tenants);
    for (const struct account_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        struct view_tenant *tenant = &view->tenants[view->tenant_count++];
        tenant->record = sum->record;
        tenant->state = admin_tenant_state(a->admin, slice_str(sum->record.name));
    }
    account_sum_free(sums);
    add_worker_stats(view, gather);
    if (!is_over(a)) {
        gather_start(a->admin, &all, pool_sum_collect, on_pools, a);
    }
}

static void take_servers(struct view *view)
{
    const struct config *config = realm_config(view->realm);

    view->servers = x_zalloc(config->server_count * sizeof *view->servers);
    for (size_t i = 0; i < config->server_count; i++) {
        struct view_server *server = &view->servers[view->server_count++];
        const struct budget *budget = realm_budget(view->realm, config->servers[i].name);
        record_name(server->name, config->servers[i].name);
        server->connections = atomic_load(&budget->used);
        server->max = atomic_load(&budget->max);
    }
}

static void take_stores(struct view *view)
{
    const struct config *config = realm_config(view->realm);
    struct store_cache *cache = secrets_cache(realm_secrets(view->realm));
    struct err why;

    view->stores = x_zalloc((config->secrets.provider_count + 1) * sizeof *view->stores);
    for (size_t i = 0; i < config->secrets.provider_count; i++) {
        struct view_store *store = &view->stores[view->store_count++];
        record_name(store->name, config->secrets.providers[i].name);
        if (store_cache_failing(cache, &config->secrets.providers[i], &why)) {
            (void)snprintf(store->failure, sizeof store->failure, "%.*s",
                           (int)sizeof store->failure - 1, why.text);
        }
    }
}

void view_ask(struct admin *admin, view_cb cb, void *data)
{
    struct view_asking *a = x_zalloc(sizeof *a);
    struct question all = {.scope = GATHER_ALL};
    struct view *view = x_zalloc(sizeof *view);

    *a = (struct view_asking){.admin = admin, .view = view, .cb = cb, .data = data};
    view->refs = 1;
    view->realm = realm_ref(admin_realm(admin));
    view->at = loop_now(admin->loop);
    view->uptime = view->at - admin->started;
    view->draining = admin->draining;
    view->workers = x_zalloc(admin->worker_count * sizeof *view->workers);
    view->worker_count = admin->worker_count;
    take_servers(view);
    take_stores(view);
    if (!is_over(a)) {
        gather_start(admin, &all, account_sum_collect, on_accounts, a);
    }
}

const struct view *view_ref(const struct view *view)
{
    struct view *v = (struct view *)(uintptr_t)view; /* all but the count is const */

    atomic_fetch_add(&v->refs, 1);
    return view;
}

void view_unref(const struct view *view)
{
    struct view *v = (struct view *)(uintptr_t)view;

    if (v == NULL || atomic_fetch_sub(&v->refs, 1) > 1) {
        return;
    }
    realm_unref(v->realm);
    free(v->workers);
    free(v->tenants);
    free(v->pools);
    free(v->servers);
    free(v->stores);
    free(v);
}
