// SPDX-License-Identifier: MIT
//
// show_mem: what takes memory: the slabs of the workers, added up, and what they share.
#include "admin/show.h"

#include <string.h>

#include "admin/record.h"
#include "proxy/frontend.h"

static const struct column columns[] = {{"name", COLUMN_TEXT},
                                        {"size", COLUMN_INT},
                                        {"used", COLUMN_INT},
                                        {"free", COLUMN_INT},
                                        {"memtotal", COLUMN_INT}};

struct mem_record {
    const char *name; /* a constant */
    size_t size;      /* bytes of one; 0 where they differ */
    size_t used;
    size_t free;
    size_t bytes; /* in all */
};

static void add_slab(struct buf *out, const char *name, const struct slab *slab)
{
    struct mem_record *r = record_add(out, sizeof *r);

    *r = (struct mem_record){.name = name,
                             .size = slab->size,
                             .used = slab->live,
                             .free = slab->available,
                             .bytes = slab->size * ((size_t)slab->live + slab->available)};
}

static void add_items(struct buf *out, const char *name, size_t size, size_t used, size_t bytes)
{
    struct mem_record *r = record_add(out, sizeof *r);

    *r = (struct mem_record){.name = name, .size = size, .used = used, .bytes = bytes};
}

/* Every worker gives the same names in the same order. */
static enum gather_step collect(struct proxy *proxy, const struct question *question,
                                struct gather_part *part)
{
    struct pools *pools = &proxy->pools;
    struct buf *out = &part->answer;
    size_t n;

    (void)question;
    add_slab(out, "frontend", &proxy->frontends);
    add_slab(out, "backend", &pools->backends);
    n = HASH_COUNT(pools->pools);
    add_items(out, "pool", sizeof(struct pool), n, n * sizeof(struct pool));
    n = HASH_COUNT(pools->accounts);
    add_items(out, "account", sizeof(struct account), n, n * sizeof(struct account));
    add_items(out, "context", 0, pools->contexts.count, pools->contexts.bytes);
    add_items(out, "scratch", 2 * (size_t)LIMIT_SCRATCH, 1, 2 * (size_t)LIMIT_SCRATCH);
    return GATHER_DONE;
}

static void render_record(struct rows *rows, const struct mem_record *r)
{
    row_begin(rows);
    row_text(rows, r->name);
    row_int(rows, (int64_t)r->size);
    row_int(rows, (int64_t)r->used);
    row_int(rows, (int64_t)r->free);
    row_int(rows, (int64_t)r->bytes);
    row_end(rows);
}

static void render_sums(const struct gather *gather, struct rows *rows)
{
    size_t count = gather_answer(gather, 0).n / sizeof(struct mem_record);

    for (size_t i = 0; i < count; i++) {
        struct mem_record sum = {.name = NULL};
        for (uint32_t worker = 0; worker < gather_count(gather); worker++) {
            struct mem_record r;
            memcpy(&r, gather_answer(gather, worker).p + i * sizeof r, sizeof r);
            sum.name = r.name;
            sum.size = r.size;
            sum.used += r.used;
            sum.free += r.free;
            sum.bytes += r.bytes;
        }
        render_record(rows, &sum);
    }
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    const struct registry *registry = realm_registry(admin_realm(admin));
    struct mem_record r = {
        .name = "registry",
        .size = sizeof(struct tenant),
        .used = registry_count(registry),
        .bytes = registry_bytes(registry),
    };

    render_sums(gather, rows);
    render_record(rows, &r);
}

const struct show show_mem = {.columns = COLUMNS(columns), .collect = collect, .render = render};
