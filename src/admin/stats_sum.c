// SPDX-License-Identifier: MIT
#include "admin/stats_sum.h"

#include <stdlib.h>

#include "admin/record.h"
#include "base/alloc.h"

struct stats_record {
    struct stats_name name;
    struct account_stats stats;
};

void stats_add(struct account_stats *to, const struct account_stats *stats)
{
    to->transactions += stats->transactions;
    to->queries += stats->queries;
    to->parses += stats->parses;
    to->server_parses += stats->server_parses;
    to->binds += stats->binds;
    to->errors += stats->errors;
    to->assignments += stats->assignments;
    to->switches += stats->switches;
    to->logins += stats->logins;
    to->tampers += stats->tampers;
    to->bytes_in += stats->bytes_in;
    to->bytes_out += stats->bytes_out;
    times_add(&to->times, &stats->times);
}

static void add(struct stats_sum **sums, const struct stats_name *name,
                const struct account_stats *stats)
{
    struct stats_sum *sum;

    HASH_FIND(hh, *sums, name, sizeof *name, sum);
    if (sum == NULL) {
        sum = x_zalloc(sizeof *sum);
        sum->name = *name;
        HASH_ADD(hh, *sums, name, sizeof sum->name, sum);
    }
    stats_add(&sum->stats, stats);
}

void stats_sum_free(struct stats_sum *sums)
{
    struct stats_sum *sum;
    struct stats_sum *next;

    HASH_ITER (hh, sums, sum, next) {
        HASH_DEL(sums, sum);
        free(sum);
    }
}

/* ---- on the worker's thread ---- */

static void add_account(struct stats_sum **sums, const struct account *account)
{
    for (const struct tally *tally = account->tallies; tally != NULL; tally = tally->next) {
        struct stats_name name = {.server = ""};
        record_name(name.server, tally->server);
        record_name(name.database, tally->database);
        add(sums, &name, &tally->stats);
    }
}

enum gather_step stats_sum_collect(struct proxy *proxy, const struct question *question,
                                   struct gather_part *part)
{
    struct stats_sum *sums = NULL;
    struct account *account;
    struct account *next;

    (void)question;
    HASH_ITER (hh, proxy->pools.accounts, account, next) {
        add_account(&sums, account);
    }
    for (const struct stats_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        struct stats_record *r = record_add(&part->answer, sizeof *r);
        r->name = sum->name;
        r->stats = sum->stats;
    }
    stats_sum_free(sums);
    return GATHER_DONE;
}

/* ---- on the control thread ---- */

struct stats_sum *stats_sum_make(const struct gather *answers)
{
    struct record_walk walk = {.answers = answers};
    struct stats_sum *sums = NULL;
    const struct stats_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        add(&sums, &r->name, &r->stats);
    }
    return sums;
}

struct account_stats stats_sum_of(struct stats_sum *sums, const struct stats_name *name)
{
    struct stats_sum *sum;

    HASH_FIND(hh, sums, name, sizeof *name, sum);
    return sum == NULL ? (struct account_stats){.transactions = 0} : sum->stats;
}

const struct stats_sample *stats_history_note(struct stats_history *history,
                                              const struct stats_sample *now)
{
    if (now->at - history->newer.at >= STATS_PERIOD) {
        stats_sum_free(history->older.sums);
        history->older = history->newer;
        history->newer = (struct stats_sample){.at = now->at};
        for (const struct stats_sum *sum = now->sums; sum != NULL; sum = sum->hh.next) {
            add(&history->newer.sums, &sum->name, &sum->stats);
        }
    }
    return &history->older;
}

void stats_history_fini(struct stats_history *history)
{
    stats_sum_free(history->older.sums);
    stats_sum_free(history->newer.sums);
}
