// SPDX-License-Identifier: MIT
#include "admin/metrics.h"

#include "admin/metrics_parts.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A figure of struct account_stats. */
struct counter {
    const char *name; /* behind fahrend_tenant_ or fahrend_worker_ */
    const char *help;
    size_t offset;
};

#define COUNTER(name, field, help)                                                                 \
    {                                                                                              \
        name, help, offsetof(struct account_stats, field)                                          \
    }

static const struct counter counters[] = {
    COUNTER("transactions", transactions, "Transactions that have ended."),
    COUNTER("queries", queries, "Queries that were answered."),
    COUNTER("errors", errors, "Errors that fahrend itself gave clients."),
    COUNTER("logins", logins, "Logins of clients."),
    COUNTER("assignments", assignments, "Times that a client was given a server connection."),
    COUNTER("switches", switches, "Times that a server connection was put into a context."),
    COUNTER("parses", parses, "Named statements that clients prepared."),
    COUNTER("server_parses", server_parses, "Of them, those that went to a server."),
    COUNTER("binds", binds, "Executions of named statements."),
    COUNTER("tampers", tampers, "Attempts to change what makes the tenant, as far as told."),
    COUNTER("received_bytes", bytes_in, "Bytes from clients."),
    COUNTER("sent_bytes", bytes_out, "Bytes to clients."),
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

static uint64_t counter_value(const struct counter *counter, const struct account_stats *stats)
{
    return *(const uint64_t *)(const void *)((const char *)stats + counter->offset);
}

void metrics_begin_times(struct exposition *e, char name[METRIC_NAME], const char *of, int kind)
{
    (void)snprintf(name, METRIC_NAME, "fahrend_%s_%s_seconds", of, time_words[kind].word);
    exposition_family(e, name, FAMILY_HISTOGRAM, time_words[kind].help);
}

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
    char name[METRIC_NAME];
    char worker[16];

    metrics_begin_times(e, name, "worker", kind);
    for (uint32_t i = 0; i < view->worker_count; i++) {
        (void)snprintf(worker, sizeof worker, "%u", i);
        struct labels labels = label("worker", worker);
        exposition_histogram(e, &labels, &view->workers[i].stats.times.of[kind]);
    }
}

/* What the tenants did there. */
static void write_worker_counters(struct exposition *e, const struct view *view)
{
    char name[METRIC_NAME];
    char worker[16];

    for (size_t c = 0; c < sizeof counters / sizeof counters[0]; c++) {
        (void)snprintf(name, sizeof name, "fahrend_worker_%s", counters[c].name);
        exposition_family(e, name, FAMILY_COUNTER, counters[c].help);
        for (uint32_t i = 0; i < view->worker_count; i++) {
            (void)snprintf(worker, sizeof worker, "%u", i);
            struct labels labels = label("worker", worker);
            exposition_uint(e, &labels, counter_value(&counters[c], &view->workers[i].stats));
        }
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
    write_worker_counters(e, view);
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        write_worker_times(e, view, kind);
    }
}

/* ---- servers ---- */

/* Words for why a server connection has ended. */
const char *const metrics_ends[BACKEND_ENDS] = {
#define X(name, word) [name] = word,
    BACKEND_END_MAP(X)
#undef X
};

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
    char name[METRIC_NAME];

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
                .items = {{"server", view->servers[i].name}, {"reason", metrics_ends[end]}},
                .count = 2};
            exposition_uint(e, &labels, view->servers[i].stats.ended[end]);
        }
    }
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        metrics_begin_times(e, name, "server", kind);
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
    exposition_uint(e, labels, counter_value(&counters[which], &r->stats));
}

static void write_times(struct exposition *e, const struct labels *labels,
                        const struct account_record *r, size_t kind)
{
    exposition_histogram(e, labels, &r->stats.times.of[kind]);
}

static void write_tenants(const struct tenant_writer *w)
{
    char name[METRIC_NAME];

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
        (void)snprintf(name, sizeof name, "fahrend_tenant_%s", counters[i].name);
        exposition_family(w->e, name, FAMILY_COUNTER, counters[i].help);
        each_tenant(w, write_counter, i);
    }
    for (size_t kind = 0; kind < TIME_KINDS; kind++) {
        metrics_begin_times(w->e, name, "tenant", (int)kind);
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
    metrics_write_pools(&e, view, max);
    write_tenants(&(struct tenant_writer){.e = &e, .view = view, .choice = &choice});
    exposition_end(&e);
    named_choice_fini(&choice);
}
