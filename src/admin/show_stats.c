// SPDX-License-Identifier: MIT
//
// show_stats: SHOW STATS, STATS_TOTALS, STATS_AVERAGES and TOTALS: what was done in each database,
// in all and per second. Times are µs; those of a query and of a transaction are averages per query
// and per transaction. A figure is one row of the table below, whatever it is shown in.
#include "admin/show.h"

#include "admin/stats_sum.h"

enum { FIGURES = 12 };

struct figure {
    const char *total; /* in TOTALS */
    const char *average;
    size_t offset;    /* in struct account_stats */
    size_t divide_by; /* offset of what a time is divided by; 0: the seconds */
};

#define FIGURE(name, average_name, field)                                                          \
    {                                                                                              \
        "total_" name, "avg_" average_name, offsetof(struct account_stats, field), 0               \
    }
#define TIME(name, field, by)                                                                      \
    {                                                                                              \
        "total_" name, "avg_" name, offsetof(struct account_stats, field),                         \
            offsetof(struct account_stats, by) + 1                                                 \
    }

static const struct figure figures[FIGURES] = {
    FIGURE("server_assignment_count", "server_assignment_count", assignments),
    FIGURE("xact_count", "xact_count", transactions),
    FIGURE("query_count", "query_count", queries),
    FIGURE("received", "recv", bytes_in),
    FIGURE("sent", "sent", bytes_out),
    TIME("xact_time", times.of[TIME_TRANSACTION].sum_us, transactions),
    TIME("query_time", times.of[TIME_QUERY].sum_us, queries),
    FIGURE("wait_time", "wait_time", times.of[TIME_WAIT].sum_us),
    FIGURE("client_parse_count", "client_parse_count", parses),
    FIGURE("server_parse_count", "server_parse_count", server_parses),
    FIGURE("bind_count", "bind_count", binds),
    FIGURE("client_login_count", "client_login_count", logins),
};

static uint64_t value_at(const struct account_stats *stats, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)stats + offset);
}

/* What happened between two samples, in the unit of the figure's average. */
static uint64_t average(const struct figure *figure, const struct account_stats *now,
                        const struct account_stats *then, uint64_t ms)
{
    uint64_t change = value_at(now, figure->offset) - value_at(then, figure->offset);

    if (figure->divide_by == 0) {
        return ms == 0 ? 0 : change * 1000 / ms;
    }
    size_t by = figure->divide_by - 1;
    uint64_t count = value_at(now, by) - value_at(then, by);
    return count == 0 ? 0 : change / count;
}

static void render_totals(struct rows *rows, const struct account_stats *now)
{
    for (size_t i = 0; i < FIGURES; i++) {
        row_int(rows, (int64_t)value_at(now, figures[i].offset));
    }
}

static void render_averages(struct rows *rows, const struct account_stats *now,
                            const struct account_stats *then, uint64_t ms)
{
    for (size_t i = 0; i < FIGURES; i++) {
        row_int(rows, (int64_t)average(&figures[i], now, then, ms));
    }
}

/* ---- by database ---- */

enum part { PART_TOTALS = 1 << 0, PART_AVERAGES = 1 << 1, PART_OURS = 1 << 2 };

static void render_database(struct rows *rows, const struct stats_sum *sum,
                            const struct stats_sample *base, uint64_t ms, unsigned parts)
{
    struct account_stats then = stats_sum_of(base->sums, &sum->name);

    row_begin(rows);
    row_text(rows, sum->name.database);
    if ((parts & PART_TOTALS) != 0) {
        render_totals(rows, &sum->stats);
    }
    if ((parts & PART_AVERAGES) != 0) {
        render_averages(rows, &sum->stats, &then, ms);
    }
    if ((parts & PART_OURS) != 0) {
        row_int(rows, (int64_t)sum->stats.errors);
        row_int(rows, (int64_t)sum->stats.switches);
    }
    row_text(rows, sum->name.server);
    row_end(rows);
}

static void render_databases(struct admin *admin, const struct gather *gather, struct rows *rows,
                             unsigned parts)
{
    struct stats_sample now = {.at = loop_now(admin->loop), .sums = stats_sum_make(gather)};
    const struct stats_sample *base = stats_history_note(&admin->stats, &now);

    for (const struct stats_sum *sum = now.sums; sum != NULL; sum = sum->hh.next) {
        render_database(rows, sum, base, now.at - base->at, parts);
    }
    stats_sum_free(now.sums);
}

static void render_stats(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    render_databases(admin, gather, rows, PART_TOTALS | PART_AVERAGES | PART_OURS);
}

static void render_stats_totals(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    render_databases(admin, gather, rows, PART_TOTALS | PART_OURS);
}

static void render_stats_averages(struct admin *admin, const struct gather *gather,
                                  struct rows *rows)
{
    render_databases(admin, gather, rows, PART_AVERAGES);
}

static const struct column stats_columns[] = {
    {"database", COLUMN_TEXT},
    {"total_server_assignment_count", COLUMN_INT},
    {"total_xact_count", COLUMN_INT},
    {"total_query_count", COLUMN_INT},
    {"total_received", COLUMN_INT},
    {"total_sent", COLUMN_INT},
    {"total_xact_time", COLUMN_INT},
    {"total_query_time", COLUMN_INT},
    {"total_wait_time", COLUMN_INT},
    {"total_client_parse_count", COLUMN_INT},
    {"total_server_parse_count", COLUMN_INT},
    {"total_bind_count", COLUMN_INT},
    {"total_client_login_count", COLUMN_INT},
    {"avg_server_assignment_count", COLUMN_INT},
    {"avg_xact_count", COLUMN_INT},
    {"avg_query_count", COLUMN_INT},
    {"avg_recv", COLUMN_INT},
    {"avg_sent", COLUMN_INT},
    {"avg_xact_time", COLUMN_INT},
    {"avg_query_time", COLUMN_INT},
    {"avg_wait_time", COLUMN_INT},
    {"avg_client_parse_count", COLUMN_INT},
    {"avg_server_parse_count", COLUMN_INT},
    {"avg_bind_count", COLUMN_INT},
    {"avg_client_login_count", COLUMN_INT},
    {"total_errors", COLUMN_INT},
    {"total_switches", COLUMN_INT},
    {"server", COLUMN_TEXT},
};

const struct show show_stats = {
    .columns = COLUMNS(stats_columns),
    .collect = stats_sum_collect,
    .render = render_stats,
};

static const struct column totals_columns[] = {
    {"database", COLUMN_TEXT},          {"server_assignment_count", COLUMN_INT},
    {"xact_count", COLUMN_INT},         {"query_count", COLUMN_INT},
    {"bytes_received", COLUMN_INT},     {"bytes_sent", COLUMN_INT},
    {"xact_time", COLUMN_INT},          {"query_time", COLUMN_INT},
    {"wait_time", COLUMN_INT},          {"client_parse_count", COLUMN_INT},
    {"server_parse_count", COLUMN_INT}, {"bind_count", COLUMN_INT},
    {"client_login_count", COLUMN_INT}, {"errors", COLUMN_INT},
    {"switches", COLUMN_INT},           {"server", COLUMN_TEXT},
};

const struct show show_stats_totals = {
    .columns = COLUMNS(totals_columns),
    .collect = stats_sum_collect,
    .render = render_stats_totals,
};

static const struct column averages_columns[] = {
    {"database", COLUMN_TEXT},
    {"server_assignment_count", COLUMN_INT},
    {"xact_count", COLUMN_INT},
    {"query_count", COLUMN_INT},
    {"bytes_received", COLUMN_INT},
    {"bytes_sent", COLUMN_INT},
    {"xact_time", COLUMN_INT},
    {"query_time", COLUMN_INT},
    {"wait_time", COLUMN_INT},
    {"avg_client_parse_count", COLUMN_INT},
    {"avg_server_parse_count", COLUMN_INT},
    {"avg_bind_count", COLUMN_INT},
    {"avg_client_login_count", COLUMN_INT},
    {"server", COLUMN_TEXT},
};

const struct show show_stats_averages = {
    .columns = COLUMNS(averages_columns),
    .collect = stats_sum_collect,
    .render = render_stats_averages,
};

/* ---- over all databases ---- */

static struct account_stats add_up(const struct stats_sum *sums)
{
    struct account_stats all = {.transactions = 0};

    for (const struct stats_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        stats_add(&all, &sum->stats);
    }
    return all;
}

static void render_figure(struct rows *rows, const char *name, uint64_t value)
{
    row_begin(rows);
    row_text(rows, name);
    row_int(rows, (int64_t)value);
    row_end(rows);
}

static void render_all(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    struct stats_sample now = {.at = loop_now(admin->loop), .sums = stats_sum_make(gather)};
    const struct stats_sample *base = stats_history_note(&admin->stats, &now);
    struct account_stats all = add_up(now.sums);
    struct account_stats then = add_up(base->sums);

    for (size_t i = 0; i < FIGURES; i++) {
        render_figure(rows, figures[i].total, value_at(&all, figures[i].offset));
    }
    for (size_t i = 0; i < FIGURES; i++) {
        render_figure(rows, figures[i].average,
                      average(&figures[i], &all, &then, now.at - base->at));
    }
    render_figure(rows, "total_errors", all.errors);
    render_figure(rows, "total_switches", all.switches);
    stats_sum_free(now.sums);
}

static const struct column all_columns[] = {{"name", COLUMN_TEXT}, {"value", COLUMN_INT}};

const struct show show_totals = {
    .columns = COLUMNS(all_columns),
    .collect = stats_sum_collect,
    .render = render_all,
};
