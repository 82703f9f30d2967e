// SPDX-License-Identifier: MIT
//
// show_databases: the databases that the configuration names outright, and those in use. One that
// is made of a tenant's name is listed while somebody uses it. A database that pools of two modes
// use has a row for each.
#include "admin/show.h"

#include <stdlib.h>
#include <string.h>

#include "admin/pool_sum.h"
#include "admin/record.h"
#include "base/alloc.h"

static const struct column columns[] = {
    {"name", COLUMN_TEXT},
    {"host", COLUMN_TEXT},
    {"port", COLUMN_INT},
    {"database", COLUMN_TEXT},
    {"force_user", COLUMN_TEXT},
    {"pool_size", COLUMN_INT},
    {"min_pool_size", COLUMN_INT},
    {"reserve_pool_size", COLUMN_INT},
    {"server_lifetime", COLUMN_INT},
    {"pool_mode", COLUMN_TEXT},
    {"load_balance_hosts", COLUMN_TEXT},
    {"max_connections", COLUMN_INT},
    {"current_connections", COLUMN_INT},
    {"max_client_connections", COLUMN_INT},
    {"current_client_connections", COLUMN_INT},
    {"paused", COLUMN_INT},
    {"disabled", COLUMN_INT},
    {"server", COLUMN_TEXT},
};

struct database_name {
    char server[NAME_SIZE];
    char database[NAME_SIZE];
    enum pool_mode mode;
};

struct database {
    UT_hash_handle hh; /* by name, in the order in which they were found */
    struct database_name name;
    const struct pool_config *pool; /* where a tenant names it outright, else NULL */
    struct pool_record record;      /* sums of its pools; workers is 0 where it has none */
};

static struct database *find_or_add(struct database **all, const char *server, const char *database,
                                    enum pool_mode mode)
{
    struct database_name name;
    struct database *found;

    memset(&name, 0, sizeof name); /* the key is compared with its padding */
    name.mode = mode;
    record_name(name.server, server);
    record_name(name.database, database);
    HASH_FIND(hh, *all, &name, sizeof name, found);
    if (found == NULL) {
        found = x_zalloc(sizeof *found);
        found->name = name;
        HASH_ADD(hh, *all, name, sizeof name, found);
    }
    return found;
}

/* 0 is no limit. */
static bool is_larger(const struct pool_config *a, const struct pool_config *b)
{
    return b->size != 0 && (a->size == 0 || a->size > b->size);
}

static void add_named(struct database **all, const struct tenant_config *config)
{
    const char *name =
        config->strategy == STRATEGY_DATABASE ? config->dedicated.name : config->database;

    if (name != NULL && strchr(name, '{') == NULL) {
        struct database *d = find_or_add(all, config->server, name, config->pool.mode);
        if (d->pool == NULL || is_larger(&config->pool, d->pool)) {
            d->pool = &config->pool;
        }
    }
}

static void add_used(struct database **all, const struct pool_record *r)
{
    struct database *d = find_or_add(all, r->name.server, r->name.database, r->mode);
    struct pool_record *sum = &d->record;

    if (sum->workers == 0) {
        *sum = *r;
        return;
    }
    sum->clients += r->clients;
    sum->active += r->active;
    sum->idle += r->idle;
    sum->tested += r->tested;
    sum->being_canceled += r->being_canceled;
    sum->login += r->login;
}

static void render_limits(struct rows *rows, const struct database *d)
{
    const struct pool_record *r = &d->record;
    bool used = r->workers > 0;

    row_int(rows, used ? r->size : d->pool->size);
    row_int(rows, used ? r->min_size : d->pool->min_size);
    row_int(rows, used ? r->reserve_size : d->pool->reserve_size);
    row_int(rows, (used ? r->lifetime : d->pool->lifetime) / 1000);
    row_text(rows, pool_mode_name(d->name.mode));
    row_null(rows);
}

static void render_database(struct admin *admin, struct rows *rows, const struct database *d)
{
    const struct server_config *server = config_server(admin_config(admin), d->name.server);
    uint32_t flags = gates_get(&admin->gates, GATE_DATABASE, slice_str(d->name.database));

    row_begin(rows);
    row_text(rows, d->name.database);
    row_text(rows, server == NULL ? NULL : server->host.items[0]);
    row_int(rows, server == NULL ? 0 : server->port);
    row_text(rows, d->name.database);
    row_null(rows);
    render_limits(rows, d);
    row_int(rows, server == NULL ? 0 : server->max_connections);
    row_int(rows, pool_record_connections(&d->record));
    row_int(rows, 0);
    row_int(rows, d->record.clients);
    row_int(rows, ((flags | admin->gates.all) & GATE_PAUSED) != 0);
    row_int(rows, (flags & GATE_DISABLED) != 0);
    row_text(rows, d->name.server);
    row_end(rows);
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    const struct config *config = admin_config(admin);
    struct record_walk walk = {.answers = gather};
    struct database *all = NULL;
    struct database *d;
    struct database *next;
    const struct pool_record *r;

    add_named(&all, &config->defaults);
    for (size_t i = 0; i < config->tenant_count; i++) {
        add_named(&all, config->tenants[i].config);
    }
    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        add_used(&all, r);
    }
    HASH_ITER (hh, all, d, next) {
        render_database(admin, rows, d);
        HASH_DEL(all, d);
        free(d);
    }
}

const struct show show_databases = {
    .columns = COLUMNS(columns),
    .collect = pool_sum_collect,
    .render = render,
};
