// SPDX-License-Identifier: MIT
//
// show_pools: pools of server connections, one row for a pool however many workers have it.
#include "admin/show.h"

#include "admin/pool_sum.h"

static const struct column columns[] = {
    {"database", COLUMN_TEXT},
    {"user", COLUMN_TEXT},
    {"cl_active", COLUMN_INT},
    {"cl_waiting", COLUMN_INT},
    {"cl_active_cancel_req", COLUMN_INT},
    {"cl_waiting_cancel_req", COLUMN_INT},
    {"sv_active", COLUMN_INT},
    {"sv_active_cancel", COLUMN_INT},
    {"sv_being_canceled", COLUMN_INT},
    {"sv_idle", COLUMN_INT},
    {"sv_used", COLUMN_INT},
    {"sv_tested", COLUMN_INT},
    {"sv_login", COLUMN_INT},
    {"maxwait", COLUMN_INT},
    {"maxwait_us", COLUMN_INT},
    {"pool_mode", COLUMN_TEXT},
    {"load_balance_hosts", COLUMN_TEXT},
    {"server", COLUMN_TEXT},
    {"tenant", COLUMN_TEXT},
    {"pool_size", COLUMN_INT},
    {"tenants", COLUMN_INT},
    {"workers", COLUMN_INT},
    {"paused", COLUMN_INT},
    {"failure", COLUMN_TEXT},
};

/* Cancel requests go to servers over connections of their own and never wait for a pool. */
static void render_counts(struct rows *rows, const struct pool_record *r)
{
    row_int(rows, r->clients - r->waiting);
    row_int(rows, r->waiting);
    row_int(rows, 0);
    row_int(rows, 0);
    row_int(rows, r->active);
    row_int(rows, 0);
    row_int(rows, r->being_canceled);
    row_int(rows, r->idle);
    row_int(rows, 0);
    row_int(rows, r->tested);
    row_int(rows, r->login);
}

static void render_pool(struct admin *admin, struct rows *rows, const struct pool_record *r)
{
    uint64_t now = loop_now(admin->loop);
    uint64_t wait = r->waiting_since != 0 && now > r->waiting_since ? now - r->waiting_since : 0;

    row_begin(rows);
    row_text(rows, r->name.database);
    row_text(rows, r->name.user);
    render_counts(rows, r);
    row_int(rows, (int64_t)(wait / 1000));
    row_int(rows, (int64_t)(wait % 1000 * 1000));
    row_text(rows, pool_mode_name(r->mode));
    row_null(rows);
    row_text(rows, r->name.server);
    row_text(rows, r->name.tenant);
    row_int(rows, r->size);
    row_int(rows, r->tenants);
    row_int(rows, r->workers);
    row_int(rows, r->paused);
    row_text(rows, r->failure);
    row_end(rows);
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    struct pool_sum *sums = pool_sum_make(gather);

    for (struct pool_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        render_pool(admin, rows, &sum->record);
    }
    pool_sum_free(sums);
}

const struct show show_pools = {
    .columns = COLUMNS(columns),
    .collect = pool_sum_collect,
    .render = render,
};
