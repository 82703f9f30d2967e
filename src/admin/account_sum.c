// SPDX-License-Identifier: MIT
#include "admin/account_sum.h"

#include <stdlib.h>

#include "admin/record.h"
#include "admin/stats_sum.h"
#include "base/alloc.h"

/* Copied in one turn; a query waits for no more. */
#define ACCOUNTS_A_TURN 200

static void copy(struct buf *out, const struct account *account)
{
    struct account_record *r = record_add(out, sizeof *r);

    record_name(r->name, account->name);
    r->clients = account->clients;
    r->waiting = account->waiting;
    r->connections = account->connections;
    for (const struct tally *tally = account->tallies; tally != NULL; tally = tally->next) {
        stats_add(&r->stats, &tally->stats);
    }
}

/* Accounts stay and new ones go to the end, so the one to go on with is kept between turns. */
enum gather_step account_sum_collect(struct proxy *proxy, const struct question *question,
                                     struct gather_part *part)
{
    const struct account *account =
        part->state == 0 ? proxy->pools.accounts : (const struct account *)(uintptr_t)part->state;

    (void)question;
    for (int n = 0; account != NULL; account = account->hh.next, n++) {
        if (n == ACCOUNTS_A_TURN) {
            part->state = (uintptr_t)account;
            return GATHER_AGAIN;
        }
        copy(&part->answer, account);
    }
    return GATHER_DONE;
}

static void add_up(struct account_record *to, const struct account_record *r)
{
    to->clients += r->clients;
    to->waiting += r->waiting;
    to->connections += r->connections;
    stats_add(&to->stats, &r->stats);
}

struct account_sum *account_sum_make(const struct gather *answers)
{
    struct record_walk walk = {.answers = answers};
    struct account_sum *sums = NULL;
    const struct account_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        struct account_sum *sum = account_sum_find(sums, r->name);
        if (sum != NULL) {
            add_up(&sum->record, r);
            continue;
        }
        sum = x_zalloc(sizeof *sum);
        sum->record = *r;
        HASH_ADD_STR(sums, record.name, sum);
    }
    return sums;
}

struct account_sum *account_sum_find(struct account_sum *sums, const char *tenant)
{
    struct account_sum *sum;

    HASH_FIND_STR(sums, tenant, sum);
    return sum;
}

void account_sum_free(struct account_sum *sums)
{
    struct account_sum *sum;
    struct account_sum *next;

    HASH_ITER (hh, sums, sum, next) {
        HASH_DEL(sums, sum);
        free(sum);
    }
}
