// SPDX-License-Identifier: MIT
//
// stats_sum: what was done in each database, over all tenants and workers. Averages are over the
// time since a sample that is one to two minutes old where somebody asks at least that often, and
// else since the last time that somebody asked: nothing is sampled by a timer. Control thread but
// for the collecting.
#ifndef ADMIN_STATS_SUM_H
#define ADMIN_STATS_SUM_H

#include "admin/gather.h"
#include "admin/history.h"

void stats_add(struct account_stats *to, const struct account_stats *stats);

enum gather_step stats_sum_collect(struct proxy *proxy, const struct question *question,
                                   struct gather_part *part);

/* The caller ends what it gets. */
struct stats_sum *stats_sum_make(const struct gather *answers);
void stats_sum_free(struct stats_sum *sums);

/* What `now` is to be compared with; keeps a copy of it where the newer sample is old. */
const struct stats_sample *stats_history_note(struct stats_history *history,
                                              const struct stats_sample *now);

/* The figures of a name; zeros where it has none. */
struct account_stats stats_sum_of(struct stats_sum *sums, const struct stats_name *name);

void stats_history_fini(struct stats_history *history);

#endif
