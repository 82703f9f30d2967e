// SPDX-License-Identifier: MIT
#include "pool/switch.h"

#include <assert.h>
#include <stdio.h>

#include "base/limits.h"
#include "wire/build.h"

/* Bits of *prepared: BEGIN and COMMIT, then the SELECT for each count from 1. */
#define PREPARED_FRAME     1U
#define PREPARED_SELECT(n) (1U << (n))

#define BEGIN_NAME  "fahrend_begin"
#define COMMIT_NAME "fahrend_commit"

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

/* A statement without parameters; one whose sql is NULL is prepared already. */
static void run(struct buf *out, const char *name, const char *sql)
{
    if (sql != NULL) {
        build_parse(out, name, sql);
    }
    build_bind(out, name, NULL, 0);
    build_execute(out);
}

/* What DISCARD ALL does, but for DISCARD PLANS: a sealed tenant's policies ask a function whose
 * plans would be made anew, which costs the server more than all of this. For others it costs more
 * than DISCARD ALL. COMMIT comes early, so that nothing runs by what the last tenant left as the
 * defaults of a transaction: one that is serializable, read only and deferrable may wait without
 * end. What stands behind it shares the transaction of the settings, and is as durable. */
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

/* ---- what is the same in every switch ---- */

static void select_sql(char *sql, size_t size, size_t count)
{
    size_t at = (size_t)snprintf(sql, size, "SELECT pg_catalog.set_config($1,$2,false)");

    for (size_t i = 1; i < count; i++) {
        at += (size_t)snprintf(sql + at, size - at, ", pg_catalog.set_config($%zu,$%zu,false)",
                               2 * i + 1, 2 * i + 2);
    }
}

void switch_texts_init(struct switch_texts *texts)
{
    char sql[64 * SWITCH_SETS];

    *texts = (struct switch_texts){.named = {{.p = NULL}}};
    run(&texts->scrub, "", "DISCARD ALL");
    for (size_t i = 0; i < SCRUB_STEPS; i++) {
        run(&texts->scrub_sealed, "", scrub_steps[i]);
    }
    run(&texts->begin, "", "BEGIN");
    run(&texts->begin_named, BEGIN_NAME, NULL);
    run(&texts->commit, "", "COMMIT");
    run(&texts->commit_named, COMMIT_NAME, NULL);
    for (size_t count = 1; count <= SWITCH_SETS; count++) {
        select_sql(sql, sizeof sql, count);
        build_parse(&texts->select[count - 1], "", sql);
        (void)snprintf(texts->name[count - 1], SWITCH_NAME, "fahrend_set_%zu", count);
        build_parse(&texts->named[count - 1], texts->name[count - 1], sql);
    }
}

void switch_texts_fini(struct switch_texts *texts)
{
    buf_release(&texts->scrub);
    buf_release(&texts->scrub_sealed);
    buf_release(&texts->begin);
    buf_release(&texts->begin_named);
    buf_release(&texts->commit);
    buf_release(&texts->commit_named);
    for (size_t i = 0; i < SWITCH_SETS; i++) {
        buf_release(&texts->select[i]);
        buf_release(&texts->named[i]);
    }
}

/* ---- one switch ---- */

/* By our name where names may be trusted; else unnamed, and parsed each time. */
static void run_select(struct buf *out, const struct switch_texts *texts,
                       const struct assignment *sets, size_t count, bool named, uint32_t *prepared)
{
    struct slice values[2 * SWITCH_SETS];
    bool parse = !named || (*prepared & PREPARED_SELECT(count)) == 0;

    for (size_t i = 0; i < count; i++) {
        values[2 * i] = sets[i].name;
        values[2 * i + 1] = sets[i].value;
    }
    if (parse) {
        const struct buf *text = named ? &texts->named[count - 1] : &texts->select[count - 1];
        buf_append_slice(out, buf_slice(text));
        *prepared |= named ? PREPARED_SELECT(count) : 0;
    }
    build_bind(out, named ? texts->name[count - 1] : "", values, 2 * count);
    build_execute(out);
}

/* A sealed switch always ends with a COMMIT of its own, which the steps need. */
static uint32_t scrub(struct buf *out, const struct switch_texts *texts, bool sealed)
{
    buf_append_slice(out, buf_slice(sealed ? &texts->scrub_sealed : &texts->scrub));
    return sealed ? SCRUB_STEPS : 1;
}

uint32_t switch_build(struct buf *out, const struct switch_order *order,
                      const struct switch_texts *texts, uint32_t *prepared)
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
        completes += scrub(out, texts, order->seal.n > 0);
        *prepared = 0;
    }
    if (all.count == 0) {
        return completes;
    }
    bool named = !order->scrub && !order->unnamed;
    bool parse = named && (*prepared & PREPARED_FRAME) == 0;
    if (parse) {
        build_parse(out, BEGIN_NAME, "BEGIN");
        *prepared |= PREPARED_FRAME;
    }
    buf_append_slice(out, buf_slice(named ? &texts->begin_named : &texts->begin));
    for (size_t i = 0; i < all.count; i += SWITCH_SETS) {
        size_t n = all.count - i < SWITCH_SETS ? all.count - i : SWITCH_SETS;
        run_select(out, texts, all.items + i, n, named, prepared);
        completes++;
    }
    if (parse) {
        build_parse(out, COMMIT_NAME, "COMMIT");
    }
    buf_append_slice(out, buf_slice(named ? &texts->commit_named : &texts->commit));
    return completes + 2;
}
