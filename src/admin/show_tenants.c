// SPDX-License-Identifier: MIT
//
// show_tenants: every tenant of the registry, and behind them those that exist because their name
// was asked for (tenancy.unknown: template) and clients came. A name that the client decides (its
// database, its role) is shown empty.
#include "admin/show.h"

#include "admin/account_sum.h"
#include "admin/pool_sum.h"
#include "tenant/strategy.h"

static const struct column columns[] = {
    {"name", COLUMN_TEXT},       {"strategy", COLUMN_TEXT},    {"server", COLUMN_TEXT},
    {"database", COLUMN_TEXT},   {"schema", COLUMN_TEXT},      {"role", COLUMN_TEXT},
    {"state", COLUMN_TEXT},      {"clients", COLUMN_INT},      {"waiting", COLUMN_INT},
    {"connections", COLUMN_INT}, {"transactions", COLUMN_INT}, {"queries", COLUMN_INT},
    {"errors", COLUMN_INT},      {"wait_us", COLUMN_INT},      {"switches", COLUMN_INT},
    {"logins", COLUMN_INT},      {"bytes_in", COLUMN_INT},     {"bytes_out", COLUMN_INT},
    {"pool_mode", COLUMN_TEXT},  {"pool_size", COLUMN_INT},    {"tampers", COLUMN_INT},
    {"log_level", COLUMN_TEXT},
};

/* A name that cannot be made of its pattern is shown as the pattern. */
static void render_pattern(struct rows *rows, const char *pattern, const char *tenant)
{
    struct name_values values = {.tenant = slice_str(tenant)};
    char name[NAME_SIZE];

    if (pattern == NULL) {
        row_text(rows, "");
    } else if (name_expand(slice_str(pattern), &values, name, NULL) < 0) {
        row_text(rows, pattern);
    } else {
        row_text(rows, name);
    }
}

static const char *database_pattern(const struct tenant_config *config)
{
    return config->strategy == STRATEGY_DATABASE ? config->dedicated.name : config->database;
}

static const char *role_pattern(const struct tenant_config *config)
{
    switch (config->login.kind) {
    case LOGIN_TENANT:
        return config->role;
    case LOGIN_FIXED:
        return config->login.user;
    case LOGIN_CLIENT:
        break;
    }
    return NULL;
}

static void render_definition(struct admin *admin, struct rows *rows, const struct tenant *tenant)
{
    const struct tenant_config *config = tenant->config;
    bool schema = config->strategy == STRATEGY_SCHEMA;

    row_text(rows, tenant->name);
    row_text(rows, strategy_of(config->strategy)->name);
    row_text(rows, config->server);
    render_pattern(rows, database_pattern(config), tenant->name);
    render_pattern(rows, schema ? config->schema.name : NULL, tenant->name);
    render_pattern(rows, role_pattern(config), tenant->name);
    row_text(rows, admin_tenant_state(admin, slice_str(tenant->name)));
}

static void render_use(struct rows *rows, const struct account_record *r)
{
    row_int(rows, r->clients);
    row_int(rows, r->waiting);
    row_int(rows, r->connections);
    row_int(rows, (int64_t)r->stats.transactions);
    row_int(rows, (int64_t)r->stats.queries);
    row_int(rows, (int64_t)r->stats.errors);
    row_int(rows, (int64_t)r->stats.times.of[TIME_WAIT].sum_us);
    row_int(rows, (int64_t)r->stats.switches);
    row_int(rows, (int64_t)r->stats.logins);
    row_int(rows, (int64_t)r->stats.bytes_in);
    row_int(rows, (int64_t)r->stats.bytes_out);
}

static void render_tenant(struct admin *admin, struct rows *rows, const struct tenant *tenant,
                          struct account_sum *sum)
{
    static const struct account_record unused = {.clients = 0};

    row_begin(rows);
    render_definition(admin, rows, tenant);
    render_use(rows, sum == NULL ? &unused : &sum->record);
    row_text(rows, pool_mode_name(tenant->config->pool.mode));
    row_int(rows, tenant->config->pool.size);
    row_int(rows, sum == NULL ? 0 : (int64_t)sum->record.stats.tampers);
    row_text(rows, levels_word(levels_get(&admin->levels, slice_str(tenant->name))));
    row_end(rows);
}

/* Those that no longer exist in any way are left out. */
static void render_unregistered(struct admin *admin, struct rows *rows,
                                const struct registry *registry, struct account_sum *sums)
{
    for (struct account_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        struct tenant_from_template storage;
        const struct tenant *tenant =
            sum->shown ? NULL
                       : registry_find_or_template(registry, slice_str(sum->record.name), &storage);
        if (tenant != NULL) {
            render_tenant(admin, rows, tenant, sum);
        }
    }
}

/* What the tenants of the registry are rendered with. */
struct rendering {
    struct admin *admin;
    struct rows *rows;
    struct account_sum *sums;
};

static void render_registered(void *data, const struct tenant *tenant)
{
    const struct rendering *r = data;
    struct account_sum *sum = account_sum_find(r->sums, tenant->name);

    if (sum != NULL) {
        sum->shown = true;
    }
    render_tenant(r->admin, r->rows, tenant, sum);
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    const struct registry *registry = realm_registry(admin_realm(admin));
    struct account_sum *sums = account_sum_make(gather);
    struct rendering rendering = {admin, rows, sums};

    registry_each(registry, render_registered, &rendering);
    render_unregistered(admin, rows, registry, sums);
    account_sum_free(sums);
}

const struct show show_tenants = {
    .columns = COLUMNS(columns),
    .collect = account_sum_collect,
    .render = render,
};
