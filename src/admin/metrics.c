// SPDX-License-Identifier: MIT
#include "admin/metrics.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

/* A figure of struct account_stats. */
struct counter {
    const char *name; /* behind fahrend_tenant_ */
    const char *help;
    size_t offset;
};

#define COUNTER(name, field, help)                                                                 \
    {                                                                                              \
        "fahrend_tenant_" name, help, offsetof(struct account_stats, field)                        \
    }

static const struct counter counters[] = {
    COUNTER("transactions", transactions, "Transactions of the tenant that have ended."),
    COUNTER("queries", queries, "Queries of the tenant that were answered."),
    COUNTER("errors", errors, "Errors that fahrend itself gave the tenant's clients."),
    COUNTER("logins", logins, "Logins of the tenant's clients."),
    COUNTER("assignments", assignments, "Times that a client was given a server connection."),
    COUNTER("switches", switches, "Times that a server connection was put into its context."),
    COUNTER("parses", parses, "Named statements that the tenant's clients prepared."),
    COUNTER("server_parses", server_parses, "Of them, those that went to a server."),
    COUNTER("binds", binds, "Executions of named statements."),
    COUNTER("tampers", tampers, "Attempts to change what makes the tenant, as far as told."),
    COUNTER("received_bytes", bytes_in, "Bytes from the tenant's clients."),
    COUNTER("sent_bytes", bytes_out, "Bytes to the tenant's clients."),
};

static const struct {
    const char *word;
    const char *help;
} time_words[TIME_KINDS] = {
    [TIME_WAIT] = {"wait", "Time that a client waited for a server connection."},
    [TIME_TRANSACTION] = {"transaction", "Time that a client had a server connection."},
    [TIME_QUERY] = {"query", "Time that a server worked for a client."},
    [TIME_LOGIN] = {"login", "Time from a client's connecting to its greeting."},
    [TIME_SWITCH] = {"switch", "Time from sending a switch to its confirmation."},
};

static const struct labels no_labels = {.count = 0};

static struct labels label(const char *name, const char *value)
{
    return (struct labels){.items = {{name, value}}, .count = 1};
}

/* ---- the process ---- */

/* The number behind a word of /proc/self/status, or 0. */
static uint64_t proc_status(const char *word)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long long value = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        size_t n = strlen(word);
        if (strncmp(line, word, n) == 0) {
            value = strtoull(line + n, NULL, 10);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return value;
}

static void write_process(struct exposition *e, const struct view *view)
{
    struct timespec cpu;
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    exposition_family(e, "process_cpu_seconds", FAMILY_COUNTER, "CPU time used.");
    exposition_double(e, &no_labels, (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
    exposition_family(e, "process_resident_memory_bytes", FAMILY_GAUGE, "Memory resident.");
    exposition_uint(e, &no_labels, proc_status("VmRSS:") * 1024);
    exposition_family(e, "process_start_time_seconds", FAMILY_GAUGE, "When fahrend was started.");
    exposition_double(e, &no_labels,
                      (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)view->uptime / 1000);
    exposition_family(e, "process_max_fds", FAMILY_GAUGE, "Descriptors that may be open.");
    exposition_uint(e, &no_labels, (uint64_t)sysconf(_SC_OPEN_MAX));
    struct labels version = label("version", FAHREND_VERSION);
    exposition_family(e, "fahrend_build_info", FAMILY_GAUGE, "Always 1; the version in a label.");
    exposition_uint(e, &version, 1);
    exposition_family(e, "fahrend_draining", FAMILY_GAUGE, "1 while new clients are refused.");
    exposition_uint(e, &no_labels, view->draining ? 1 : 0);
    exposition_family(e, "fahrend_tenants", FAMILY_GAUGE, "Tenants that are configured or made.");
    exposition_uint(e, &no_labels, registry_count(realm_registry(view->realm)));
    exposition_family(e, "fahrend_tenants_seen", FAMILY_GAUGE,
                      "Tenants whose clients have come since the start.");
    exposition_uint(e, &no_labels, view->tenant_count);
}

/* ---- workers ---- */

static void write_closes(struct exposition *e, const char *worker, const struct view_worker *w)
{
    for (int i = 0; i < ERR_INDEXES; i++) {
        char reason[64] = "client_left";
        const char *word = err_index_word(i);
        if (w->closes[i] == 0) {
            continue;
        }
        for (size_t n = 0; word[n] != '\0'; n++) {
            reason[n] = (char)tolower((unsigned char)word[n]);
            reason[n + 1] = '\0';
        }
        struct labels labels = {
            .items = {{"worker", worker}, {"reason", reason}, {"sqlstate", err_index_sqlstate(i)}},
            .count = 3};
        exposition_uint(e, &labels, w->closes[i]);
    }
}

static void write_worker_times(struct exposition *e, const struct view *view, int kind)
{
    char name[64];
    char worker[16];

    (void)snprintf(name, sizeof name, "fahrend_worker_%s_seconds", time_words[kind].word);
    exposition_family(e, name, FAMILY_HISTOGRAM, time_words[kind].help);
    for (uint32_t i = 0; i < view->worker_count; i++) {
        (void)snprintf(worker, sizeof worker, "%u", i);
        struct labels labels = label("worker", worker);
        exposition_histogram(e, &labels, &view->workers[i].stats.times.of[kind]);
    }
}

/* One family with a figure of each worker. */
static void write_worker_figure(struct exposition *e, const struct view *view, const char *name,
                                enum family_type type, const char *help,
                                uint64_t (*figure)(const struct view_worker *w))
{
    char worker[16];

    exposition_family(e, name, type, help);
    for (uint32_t i = 0; i < view->worker_count; i++) {
        (void)snprintf(worker, sizeof worker, "%u", i);
        struct labels labels = label("worker", worker);
        exposition_uint(e, &labels, figure(&view->workers[i]));
    }
}

static uint64_t worker_clients(const struct view_worker *w)
{
    return w->clients;
}

static uint64_t worker_connections(const struct view_worker *w)
{
    return w->connections;
}

static uint64_t worker_cancels(const struct view_worker *w)
{
    return w->cancels;
}

static void write_workers(struct exposition *e, const struct view *view)
{
    char worker[16];

    write_worker_figure(e, view, "fahrend_worker_clients", FAMILY_GAUGE,
                        "Connections of clients, in any state.", worker_clients);
    write_worker_figure(e, view, "fahrend_worker_server_connections", FAMILY_GAUGE,
                        "Connections to servers, in any state.", worker_connections);
    write_worker_figure(e, view, "fahrend_worker_cancel_requests", FAMILY_COUNTER,
                        "Cancel requests received.", worker_cancels);
    exposition_family(e, "fahrend_worker_client_closes", FAMILY_COUNTER,
                      "Connections of clients that have ended, by reason.");
    for (uint32_t i = 0; i < view->worker_count; i++) {
        (void)snprintf(worker, sizeof worker, "%u", i);
        write_closes(e, worker, &view->workers[i]);
    }
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        write_worker_times(e, view, kind);
    }
}

/* ---- servers ---- */

static uint64_t server_connections(const struct view_server *s)
{
    return s->connections;
}

static uint64_t server_max(const struct view_server *s)
{
    return s->max;
}

static uint64_t server_waiting(const struct view_server *s)
{
    return s->waiting;
}

static uint64_t server_failing(const struct view_server *s)
{
    return s->failing_pools;
}

static uint64_t server_opened(const struct view_server *s)
{
    return s->stats.opened;
}

static const struct {
    const char *name;
    enum family_type type;
    const char *help;
    uint64_t (*figure)(const struct view_server *server);
} server_figures[] = {
    {"fahrend_server_connections", FAMILY_GAUGE, "Connections to the server, in any state.",
     server_connections},
    {"fahrend_server_max_connections", FAMILY_GAUGE, "As many as there may be; 0 is no limit.",
     server_max},
    {"fahrend_server_waiting_clients", FAMILY_GAUGE, "Clients that wait for one.", server_waiting},
    {"fahrend_server_failing_pools", FAMILY_GAUGE, "Pools whose last attempt to connect failed.",
     server_failing},
    {"fahrend_server_opened_connections", FAMILY_COUNTER, "Connections that were logged in.",
     server_opened},
};

static void write_servers(struct exposition *e, const struct view *view)
{
    static const char *const ends[BACKEND_ENDS] = {
#define X(name, word) [name] = word,
        BACKEND_END_MAP(X)
#undef X
    };
    char name[64];

    for (size_t f = 0; f < sizeof server_figures / sizeof server_figures[0]; f++) {
        exposition_family(e, server_figures[f].name, server_figures[f].type,
                          server_figures[f].help);
        for (uint32_t i = 0; i < view->server_count; i++) {
            struct labels labels = label("server", view->servers[i].name);
            exposition_uint(e, &labels, server_figures[f].figure(&view->servers[i]));
        }
    }
    exposition_family(e, "fahrend_server_closes", FAMILY_COUNTER,
                      "Connections to the server that have ended, by reason.");
    for (uint32_t i = 0; i < view->server_count; i++) {
        for (int end = 0; end < BACKEND_ENDS; end++) {
            struct labels labels = {
                .items = {{"server", view->servers[i].name}, {"reason", ends[end]}}, .count = 2};
            exposition_uint(e, &labels, view->servers[i].stats.ended[end]);
        }
    }
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        (void)snprintf(name, sizeof name, "fahrend_server_%s_seconds", time_words[kind].word);
        exposition_family(e, name, FAMILY_HISTOGRAM, time_words[kind].help);
        for (uint32_t i = 0; i < view->server_count; i++) {
            struct labels labels = label("server", view->servers[i].name);
            exposition_histogram(e, &labels, &view->servers[i].stats.times.of[kind]);
        }
    }
}

static void write_stores(struct exposition *e, const struct view *view)
{
    exposition_family(e, "fahrend_secret_store_failing", FAMILY_GAUGE,
                      "1 where the store of secrets failed when it was asked last.");
    for (uint32_t i = 0; i < view->store_count; i++) {
        struct labels labels = label("store", view->stores[i].name);
        exposition_uint(e, &labels, view->stores[i].failure[0] != '\0' ? 1 : 0);
    }
}

/* ---- pools ---- */

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
    char name[64];
    char pool[POOL_LABEL];

    for (int kind = 0; kind < TIME_KINDS; kind++) {
        (void)snprintf(name, sizeof name, "fahrend_pool_%s_seconds", time_words[kind].word);
        exposition_family(e, name, FAMILY_HISTOGRAM, time_words[kind].help);
        for (uint32_t i = 0; i < count; i++) {
            struct labels labels = pool_labels(pools[i], pool);
            exposition_histogram(e, &labels, &pools[i]->stats.times.of[kind]);
        }
    }
}

/* Where there are many, those with most clients; what the others do is part of their server's. */
static void write_pools(struct exposition *e, const struct view *view, uint32_t max)
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
    write_pool_times(e, pools, count);
    free(pools);
}

/* ---- tenants ---- */

struct tenant_writer {
    struct exposition *e;
    const struct view *view;
    const struct named_choice *choice;
};

static void each_tenant(const struct tenant_writer *w,
                        void (*write)(struct exposition *e, const struct labels *labels,
                                      const struct account_record *r, size_t which),
                        size_t which)
{
    for (uint32_t i = 0; i < w->view->tenant_count; i++) {
        if (w->choice->has_name[i]) {
            struct labels labels = label("tenant", w->view->tenants[i].record.name);
            write(w->e, &labels, &w->view->tenants[i].record, which);
        }
    }
    if (w->choice->rest_count > 0) {
        struct labels labels = label("tenant", NAMED_REST);
        write(w->e, &labels, &w->choice->rest, which);
    }
}

static void write_gauge(struct exposition *e, const struct labels *labels,
                        const struct account_record *r, size_t offset)
{
    exposition_uint(e, labels, *(const uint32_t *)(const void *)((const char *)r + offset));
}

static void write_counter(struct exposition *e, const struct labels *labels,
                          const struct account_record *r, size_t which)
{
    exposition_uint(
        e, labels,
        *(const uint64_t *)(const void *)((const char *)&r->stats + counters[which].offset));
}

static void write_times(struct exposition *e, const struct labels *labels,
                        const struct account_record *r, size_t kind)
{
    exposition_histogram(e, labels, &r->stats.times.of[kind]);
}

static void write_tenants(const struct tenant_writer *w)
{
    char name[64];

    exposition_family(w->e, "fahrend_tenant_clients", FAMILY_GAUGE,
                      "Clients of the tenant that are logged in.");
    each_tenant(w, write_gauge, offsetof(struct account_record, clients));
    exposition_family(w->e, "fahrend_tenant_waiting_clients", FAMILY_GAUGE,
                      "Of them, those that wait for a server connection.");
    each_tenant(w, write_gauge, offsetof(struct account_record, waiting));
    exposition_family(w->e, "fahrend_tenant_server_connections", FAMILY_GAUGE,
                      "Server connections that they have now.");
    each_tenant(w, write_gauge, offsetof(struct account_record, connections));
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        exposition_family(w->e, counters[i].name, FAMILY_COUNTER, counters[i].help);
        each_tenant(w, write_counter, i);
    }
    for (size_t kind = 0; kind < TIME_KINDS; kind++) {
        (void)snprintf(name, sizeof name, "fahrend_tenant_%s_seconds", time_words[kind].word);
        exposition_family(w->e, name, FAMILY_HISTOGRAM, time_words[kind].help);
        each_tenant(w, write_times, kind);
    }
}

void metrics_write(const struct view *view, struct named *named, bool open_metrics, struct buf *out)
{
    struct exposition e = {.out = out, .open_metrics = open_metrics};
    uint32_t max = (uint32_t)realm_config(view->realm)->http.tenants;
    struct named_choice choice;

    named_choose(named, view, max, &choice);
    write_process(&e, view);
    write_workers(&e, view);
    write_servers(&e, view);
    write_stores(&e, view);
    write_pools(&e, view, max);
    write_tenants(&(struct tenant_writer){.e = &e, .view = view, .choice = &choice});
    exposition_end(&e);
    named_choice_fini(&choice);
}
