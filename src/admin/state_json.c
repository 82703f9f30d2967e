// SPDX-License-Identifier: MIT
#include "admin/state_json.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

/* From here on a tenant's queue is worth a warning: clients in it, or ms that the first of a pool's
 * has waited. */
#define QUEUE_LONG   10
#define QUEUE_SLOW   1000
#define WARNINGS_MAX 50

static void append(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

static void append_text(struct buf *out, const char *text)
{
    json_append_text(out, slice_str(text));
}

static uint64_t count_of(const struct histogram *h)
{
    uint64_t sum = 0;

    for (int i = 0; i < TIME_BUCKETS; i++) {
        sum += h->counts[i];
    }
    return sum;
}

/* ---- warnings ---- */

struct warnings {
    struct buf *out;
    uint32_t count;
};

static void warn(struct warnings *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct warnings *w, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (w->count++ >= WARNINGS_MAX) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    append(w->out, w->count > 1 ? "," : "");
    append_text(w->out, text);
}

static uint64_t waited(const struct view *view, const struct pool_record *r)
{
    return r->waiting_since == 0 || r->waiting_since > view->at ? 0 : view->at - r->waiting_since;
}

static void warn_of_pool(struct warnings *w, const struct view *view, const struct pool_record *r)
{
    uint32_t connections = pool_record_connections(r);

    if (r->waiting > 0 && r->size > 0 && connections >= (uint32_t)r->size) {
        warn(w, "pool %s/%s of server %s is at its limit of %d connections, %u clients wait",
             r->name.database, r->name.user, r->name.server, r->size, r->waiting);
    } else if (waited(view, r) >= QUEUE_SLOW && !r->paused) {
        warn(w, "pool %s/%s of server %s: a client has waited for %.1f s", r->name.database,
             r->name.user, r->name.server, (double)waited(view, r) / 1000);
    }
}

static void warn_of_server(struct warnings *w, const struct view_server *s)
{
    if (s->failure[0] != '\0') {
        warn(w, "server %s cannot be used by %llu pools: %s", s->name,
             (unsigned long long)s->failing_pools, s->failure);
    }
    if (s->max != 0 && s->connections >= s->max && s->waiting > 0) {
        warn(w, "server %s has all of its %u connections, %u clients wait", s->name, s->max,
             s->waiting);
    }
}

static void write_warnings(const struct view *view, struct buf *out)
{
    struct warnings w = {.out = out};

    append(out, "\"warnings\":[");
    if (view->draining) {
        warn(&w, "draining: new clients are refused");
    }
    for (uint32_t i = 0; i < view->server_count; i++) {
        warn_of_server(&w, &view->servers[i]);
    }
    for (uint32_t i = 0; i < view->store_count; i++) {
        if (view->stores[i].failure[0] != '\0') {
            warn(&w, "secret store %s failed when it was asked last: %s", view->stores[i].name,
                 view->stores[i].failure);
        }
    }
    for (uint32_t i = 0; i < view->pool_count; i++) {
        warn_of_pool(&w, view, &view->pools[i]);
    }
    for (uint32_t i = 0; i < view->tenant_count; i++) {
        const struct view_tenant *tenant = &view->tenants[i];
        if (tenant->record.waiting >= QUEUE_LONG) {
            warn(&w, "tenant %s queues: %u clients wait", tenant->record.name,
                 tenant->record.waiting);
        }
    }
    buf_printf(out, "],\"warning_count\":%u,", w.count);
}

/* ---- tables ---- */

static void write_servers(const struct view *view, struct buf *out)
{
    append(out, "\"servers\":[");
    for (uint32_t i = 0; i < view->server_count; i++) {
        const struct view_server *s = &view->servers[i];
        append(out, i > 0 ? "," : "");
        append(out, "{\"name\":");
        append_text(out, s->name);
        buf_printf(out, ",\"connections\":%u,\"ready\":%u,\"max\":%u,\"waiting\":%u,\"failure\":",
                   s->connections, s->ready, s->max, s->waiting);
        append_text(out, s->failure);
        append(out, "}");
    }
    append(out, "],");
}

static void write_pool(const struct view *view, const struct pool_record *r, struct buf *out)
{
    const struct times *times = &r->stats.times;

    append(out, "[");
    append_text(out, r->name.server);
    append(out, ",");
    append_text(out, r->name.database);
    append(out, ",");
    append_text(out, r->name.user);
    append(out, ",");
    append_text(out, r->name.tenant);
    buf_printf(out, ",\"%s\",\"%s\",%u,%u,%u,%u,%u,%d,%llu,%llu,%llu,%llu]",
               pool_mode_name(r->mode), r->paused ? "paused" : "active", r->clients, r->waiting,
               r->active, r->idle, pool_record_connections(r), r->size,
               (unsigned long long)count_of(&times->of[TIME_TRANSACTION]),
               (unsigned long long)times->of[TIME_WAIT].sum_us,
               (unsigned long long)count_of(&times->of[TIME_WAIT]),
               (unsigned long long)waited(view, r));
}

static void write_tenant(const struct view_tenant *tenant, struct buf *out)
{
    const struct account_record *r = &tenant->record;
    const struct account_stats *stats = &r->stats;

    append(out, "[");
    append_text(out, r->name);
    buf_printf(out, ",\"%s\",%u,%u,%u,%llu,%llu,%llu,%llu,%llu,%llu]", tenant->state, r->clients,
               r->waiting, r->connections, (unsigned long long)stats->transactions,
               (unsigned long long)stats->queries, (unsigned long long)stats->errors,
               (unsigned long long)stats->times.of[TIME_WAIT].sum_us,
               (unsigned long long)count_of(&stats->times.of[TIME_WAIT]),
               (unsigned long long)(stats->bytes_in + stats->bytes_out));
}

void state_json_write(const struct view *view, struct buf *out)
{
    uint64_t clients = 0;

    for (uint32_t i = 0; i < view->worker_count; i++) {
        clients += view->workers[i].clients;
    }
    buf_printf(out,
               "{\"version\":\"%s\",\"at\":%llu,\"uptime\":%llu,\"draining\":%s,\"workers\":%u,"
               "\"clients\":%llu,\"registered\":%zu,",
               FAHREND_VERSION, (unsigned long long)view->at, (unsigned long long)view->uptime,
               view->draining ? "true" : "false", view->worker_count, (unsigned long long)clients,
               registry_count(realm_registry(view->realm)));
    write_warnings(view, out);
    write_servers(view, out);
    append(out, "\"pools\":{\"columns\":[\"server\",\"database\",\"user\",\"tenant\",\"mode\","
                "\"state\",\"clients\",\"waiting\",\"active\",\"idle\",\"connections\",\"size\","
                "\"transactions\",\"wait_us\",\"waits\",\"waited_ms\"],\"rows\":[");
    for (uint32_t i = 0; i < view->pool_count; i++) {
        append(out, i > 0 ? "," : "");
        write_pool(view, &view->pools[i], out);
    }
    append(out, "]},\"tenants\":{\"columns\":[\"name\",\"state\",\"clients\",\"waiting\","
                "\"connections\",\"transactions\",\"queries\",\"errors\",\"wait_us\",\"waits\","
                "\"bytes\"],\"rows\":[");
    for (uint32_t i = 0; i < view->tenant_count; i++) {
        append(out, i > 0 ? "," : "");
        write_tenant(&view->tenants[i], out);
    }
    append(out, "]}}\n");
}
