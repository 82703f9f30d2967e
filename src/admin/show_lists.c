// SPDX-License-Identifier: MIT
//
// show_lists: how many there are of each thing. What PgBouncer counts and we do not have (peers,
// its name resolution) is 0.
#include "admin/show.h"

#include "admin/record.h"
#include "proxy/frontend.h"

static const struct column columns[] = {{"list", COLUMN_TEXT}, {"items", COLUMN_INT}};

struct list_record {
    uint32_t pools;
    uint32_t clients;
    uint32_t logins; /* of them, not logged in yet */
    uint32_t free_clients;
    uint32_t free_servers; /* idle connections, as PgBouncer counts them */
    uint32_t used_servers;
    uint32_t contexts;
    uint32_t accounts;
};

static enum gather_step collect(struct proxy *proxy, const struct question *question,
                                struct gather_part *part)
{
    struct list_record *r = record_add(&part->answer, sizeof *r);
    struct pool *pool;
    struct pool *next;

    (void)question;
    r->clients = proxy->client_count;
    r->free_clients = proxy->frontends.available;
    for (struct list *node = proxy->clients.next; node != &proxy->clients; node = node->next) {
        r->logins += container_of(node, struct frontend, node)->state == FRONTEND_LOGIN ? 1 : 0;
    }
    HASH_ITER (hh, proxy->pools.pools, pool, next) {
        r->pools++;
        r->free_servers += pool->idle_count;
        r->used_servers += pool->count - pool->idle_count;
    }
    r->contexts = (uint32_t)proxy->pools.contexts.count;
    r->accounts = HASH_COUNT(proxy->pools.accounts);
    return GATHER_DONE;
}

static struct list_record add_up(const struct gather *answers)
{
    struct record_walk walk = {.answers = answers};
    struct list_record sum = {.pools = 0};
    const struct list_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        sum.pools += r->pools;
        sum.clients += r->clients;
        sum.logins += r->logins;
        sum.free_clients += r->free_clients;
        sum.free_servers += r->free_servers;
        sum.used_servers += r->used_servers;
        sum.contexts += r->contexts;
        sum.accounts = r->accounts > sum.accounts ? r->accounts : sum.accounts;
    }
    return sum;
}

static void render_item(struct rows *rows, const char *name, size_t items)
{
    row_begin(rows);
    row_text(rows, name);
    row_int(rows, (int64_t)items);
    row_end(rows);
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    const struct registry *registry = realm_registry(admin_realm(admin));
    const struct config *config = registry_config(registry);
    struct list_record sum = add_up(gather);

    render_item(rows, "databases", config->server_count);
    render_item(rows, "users", config->user_count);
    render_item(rows, "peers", 0);
    render_item(rows, "pools", sum.pools);
    render_item(rows, "peer_pools", 0);
    render_item(rows, "free_clients", sum.free_clients);
    render_item(rows, "used_clients", sum.clients - sum.logins + admin->console_count);
    render_item(rows, "login_clients", sum.logins);
    render_item(rows, "free_servers", sum.free_servers);
    render_item(rows, "used_servers", sum.used_servers);
    render_item(rows, "dns_names", 0);
    render_item(rows, "dns_zones", 0);
    render_item(rows, "dns_queries", 0);
    render_item(rows, "dns_pending", 0);
    render_item(rows, "tenants", registry_count(registry));
    render_item(rows, "tenants_seen", sum.accounts);
    render_item(rows, "contexts", sum.contexts);
    render_item(rows, "consoles", admin->console_count);
    render_item(rows, "workers", admin->worker_count);
}

const struct show show_lists = {
    .columns = COLUMNS(columns),
    .collect = collect,
    .render = render,
};
