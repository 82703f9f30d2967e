// SPDX-License-Identifier: MIT
#include "pool/switch.h"

#include <assert.h>
#include <stdio.h>

#include "base/limits.h"
#include "wire/build.h"

/* Settings that one SELECT sets at most; its statement is prepared once for each count. */
#define SETS_PER_SELECT 8

/* Bits of *prepared: BEGIN and COMMIT, then the SELECT for each count from 1. */
#define PREPARED_FRAME     1U
#define PREPARED_SELECT(n) (1U << (n))

/* Every setting of two contexts, and a seal. */
#define ASSIGNMENTS_MAX (2 * CONTEXT_SETTINGS_MAX + 1)

/* One call of set_config; value.p == NULL resets. */
struct assignment {
    struct slice name;
    struct slice value;
};

struct assignments {
    struct assignment items[ASSIGNMENTS_MAX];
    size_t count;
};

static void assign(struct assignments *all, struct slice name, struct slice value)
{
    assert(all->count < ASSIGNMENTS_MAX);
    all->items[all->count++] = (struct assignment){.name = name, .value = value};
}

/* What `from` set and `to` does not. */
static void collect_resets(struct assignments *all, const struct switch_order *order)
{
    if (order->from == NULL || order->scrub || order->fixed_only) {
        return;
    }
    for (size_t i = 0; i < order->from->count; i++) {
        struct slice name = order->from->settings[i].name;
        if (context_find(order->to, name) == NULL) {
            assign(all, name, SLICE_EMPTY);
        }
    }
}

/* A connection that nobody used, or that is scrubbed, is in what it was born with; the tenant's own
 * settings are asserted nevertheless. What a sealed tenant's own SQL did to its settings shows in
 * no tag: they count as lost. */
static bool in_force(const struct switch_order *order, const struct context_setting *s)
{
    bool fresh = order->from == NULL || order->scrub;

    if ((order->unknown && !order->scrub) || (s->fixed && (fresh || order->seal.n > 0))) {
        return false;
    }
    const struct context *now = fresh ? order->birth : order->from;
    const struct context_setting *old = now == NULL ? NULL : context_find(now, s->name);
    return old != NULL && slice_eq(old->value, s->value);
}

static void collect_sets(struct assignments *all, const struct switch_order *order)
{
    for (size_t i = 0; i < order->to->count; i++) {
        const struct context_setting *s = &order->to->settings[i];
        if ((s->fixed || !order->fixed_only) && !in_force(order, s)) {
            struct slice value = s->value.p == NULL ? slice_str("") : s->value;
            assign(all, s->name, value);
        }
    }
}

/* Statement with our name where names may be trusted, else the unnamed one, parsed each time. */
static void run(struct buf *out, const char *name, bool parse, const char *sql,
                const struct assignment *sets, size_t count)
{
    struct slice values[2 * SETS_PER_SELECT];

    for (size_t i = 0; i < count; i++) {
        values[2 * i] = sets[i].name;
        values[2 * i + 1] = sets[i].value;
    }
    if (parse) {
        build_parse(out, name, sql);
    }
    build_bind(out, name, values, 2 * count);
    build_execute(out);
}

static void select_sql(char *sql, size_t size, size_t count)
{
    size_t at = (size_t)snprintf(sql, size, "SELECT pg_catalog.set_config($1,$2,false)");

    for (size_t i = 1; i < count; i++) {
        at += (size_t)snprintf(sql + at, size - at, ", pg_catalog.set_config($%zu,$%zu,false)",
                               2 * i + 1, 2 * i + 2);
    }
}

static void run_select(struct buf *out, const struct assignment *sets, size_t count, bool named,
                       uint32_t *prepared)
{
    char name[32] = "";
    char sql[64 * SETS_PER_SELECT];
    bool parse = !named || (*prepared & PREPARED_SELECT(count)) == 0;

    if (named) {
        (void)snprintf(name, sizeof name, "fahrend_set_%zu", count);
        *prepared |= PREPARED_SELECT(count);
    }
    if (parse) {
        select_sql(sql, sizeof sql, count);
    }
    run(out, name, parse, sql, sets, count);
}

/* What DISCARD ALL does, but for DISCARD PLANS: a sealed tenant's policies ask a function whose
 * plans would be made anew, which costs the server more than all of this. COMMIT comes early, so
 * that nothing runs by what the last tenant left as the defaults of a transaction: one that is
 * serializable, read only and deferrable may wait without end. What stands behind it shares the
 * transaction of the settings, and is as durable. */
static const char *const scrub_steps[] = {
    "BEGIN", /* a COMMIT without it is a warning in the server's log */
    "RESET ALL",
    "COMMIT",
    "CLOSE ALL",
    "SET SESSION AUTHORIZATION DEFAULT",
    "DEALLOCATE ALL",
    "UNLISTEN *",
    "SELECT pg_catalog.pg_advisory_unlock_all()",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
};

enum { SCRUB_STEPS = sizeof scrub_steps / sizeof scrub_steps[0] };

/* A sealed switch always ends with a COMMIT of its own, which the steps need. */
static uint32_t scrub(struct buf *out, bool sealed)
{
    if (!sealed) {
        run(out, "", true, "DISCARD ALL", NULL, 0);
        return 1;
    }
    for (size_t i = 0; i < SCRUB_STEPS; i++) {
        run(out, "", true, scrub_steps[i], NULL, 0);
    }
    return SCRUB_STEPS;
}

uint32_t switch_build(struct buf *out, const struct switch_order *order, uint32_t *prepared)
{
    struct assignments all;
    uint32_t completes = 0;

    all.count = 0;
    collect_resets(&all, order);
    collect_sets(&all, order);
    if (order->seal.n > 0) {
        assign(&all, order->seal_setting, order->seal);
    }
    if (order->scrub) {
        completes += scrub(out, order->seal.n > 0);
        *prepared = 0;
    }
    if (all.count == 0) {
        return completes;
    }
    bool named = !order->scrub && !order->unnamed;
    bool parse = !named || (*prepared & PREPARED_FRAME) == 0;
    *prepared |= named ? PREPARED_FRAME : 0;
    run(out, named ? "fahrend_begin" : "", parse, "BEGIN", NULL, 0);
    for (size_t i = 0; i < all.count; i += SETS_PER_SELECT) {
        size_t n = all.count - i < SETS_PER_SELECT ? all.count - i : SETS_PER_SELECT;
        run_select(out, all.items + i, n, named, prepared);
        completes++;
    }
    run(out, named ? "fahrend_commit" : "", parse, "COMMIT", NULL, 0);
    return completes + 2;
}
