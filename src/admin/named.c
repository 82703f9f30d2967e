// SPDX-License-Identifier: MIT
#include "admin/named.h"

#include <stdlib.h>

#include "admin/stats_sum.h"
#include "base/alloc.h"

struct named_entry {
    UT_hash_handle hh; /* by name */
    char name[NAME_SIZE];
};

static uint64_t busyness(const struct view_tenant *tenant)
{
    return tenant->record.stats.transactions + tenant->record.stats.logins;
}

/* Takes away what was added, wrapping around. */
static void subtract(struct account_stats *from, const struct account_stats *stats)
{
    from->transactions -= stats->transactions;
    from->queries -= stats->queries;
    from->parses -= stats->parses;
    from->server_parses -= stats->server_parses;
    from->binds -= stats->binds;
    from->errors -= stats->errors;
    from->assignments -= stats->assignments;
    from->switches -= stats->switches;
    from->logins -= stats->logins;
    from->tampers -= stats->tampers;
    from->bytes_in -= stats->bytes_in;
    from->bytes_out -= stats->bytes_out;
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        from->times.of[kind].sum_us -= stats->times.of[kind].sum_us;
        for (int i = 0; i < TIME_BUCKETS; i++) {
            from->times.of[kind].counts[i] -= stats->times.of[kind].counts[i];
        }
    }
}

static struct named_entry *find(struct named *named, const struct view_tenant *tenant)
{
    struct named_entry *entry;

    HASH_FIND_STR(named->table, tenant->record.name, entry);
    return entry;
}

static void give_name(struct named *named, const struct view_tenant *tenant)
{
    struct named_entry *entry = x_zalloc(sizeof *entry);

    memcpy(entry->name, tenant->record.name, sizeof entry->name);
    HASH_ADD_STR(named->table, name, entry);
    if (named->had_rest) {
        stats_add(&named->carried, &tenant->record.stats);
    }
}

static void take_name(struct named *named, const struct view_tenant *tenant)
{
    struct named_entry *entry = find(named, tenant);

    HASH_DEL(named->table, entry);
    free(entry);
    subtract(&named->carried, &tenant->record.stats);
}

static int compare_busyness(const void *a, const void *b)
{
    uint64_t left = busyness(*(const struct view_tenant *const *)a);
    uint64_t right = busyness(*(const struct view_tenant *const *)b);

    return left < right ? 1 : left > right ? -1 : 0;
}

struct ranking {
    const struct view_tenant **items;
    uint32_t count;
};

static void sort(struct ranking *ranking)
{
    qsort(ranking->items, ranking->count, sizeof *ranking->items, compare_busyness);
}

/* Those with a name and those without, each the busiest first. One that is called as the rest are
 * is among the rest. */
static void part(struct named *named, const struct view *view, struct ranking *with,
                 struct ranking *without)
{
    for (uint32_t i = 0; i < view->tenant_count; i++) {
        const struct view_tenant *tenant = &view->tenants[i];
        if (find(named, tenant) != NULL) {
            with->items[with->count++] = tenant;
        } else if (strcmp(tenant->record.name, NAMED_REST) != 0) {
            without->items[without->count++] = tenant;
        }
    }
    sort(with);
    sort(without);
}

static void exchange_names(struct named *named, const struct view *view, uint32_t max)
{
    struct ranking with = {.items = x_alloc((view->tenant_count + 1) * sizeof(void *))};
    struct ranking without = {.items = x_alloc((view->tenant_count + 1) * sizeof(void *))};
    uint32_t next = 0;

    part(named, view, &with, &without);
    while (with.count > max) {
        take_name(named, with.items[--with.count]);
    }
    for (uint32_t room = max - with.count; room > 0 && next < without.count; room--) {
        give_name(named, without.items[next++]);
    }
    while (next < without.count && with.count > 0 &&
           busyness(without.items[next]) > 2 * busyness(with.items[with.count - 1])) {
        take_name(named, with.items[--with.count]);
        give_name(named, without.items[next++]);
    }
    free(with.items);
    free(without.items);
}

void named_choose(struct named *named, const struct view *view, uint32_t max,
                  struct named_choice *choice)
{
    *choice = (struct named_choice){.has_name = x_zalloc(view->tenant_count + 1)};
    exchange_names(named, view, max);
    for (uint32_t i = 0; i < view->tenant_count; i++) {
        const struct account_record *r = &view->tenants[i].record;
        if (find(named, &view->tenants[i]) != NULL) {
            choice->has_name[i] = true;
            continue;
        }
        choice->rest_count++;
        choice->rest.clients += r->clients;
        choice->rest.waiting += r->waiting;
        choice->rest.connections += r->connections;
        stats_add(&choice->rest.stats, &r->stats);
    }
    stats_add(&choice->rest.stats, &named->carried);
    named->had_rest = named->had_rest || choice->rest_count > 0;
}

void named_choice_fini(struct named_choice *choice)
{
    free(choice->has_name);
}

void named_fini(struct named *named)
{
    struct named_entry *entry;
    struct named_entry *next;

    HASH_ITER (hh, named->table, entry, next) {
        HASH_DEL(named->table, entry);
        free(entry);
    }
}
