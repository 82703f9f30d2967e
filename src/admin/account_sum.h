// SPDX-License-Identifier: MIT
//
// account_sum: what the tenants did, as SHOW TENANTS and the statistics count it. A worker copies a
// record of each account; those of one tenant are added up on the control thread.
#ifndef ADMIN_ACCOUNT_SUM_H
#define ADMIN_ACCOUNT_SUM_H

#include <uthash.h>

#include "admin/gather.h"

struct account_record {
    char name[NAME_SIZE]; /* its unused bytes are zero: it is a key */
    uint32_t clients;
    uint32_t waiting;
    uint32_t connections;
    struct account_stats stats;
};

enum gather_step account_sum_collect(struct proxy *proxy, const struct question *question,
                                     struct gather_part *part);

struct account_sum {
    UT_hash_handle hh; /* by name */
    struct account_record record;
    bool shown; /* the user's */
};

/* The caller ends what it gets; an empty table is NULL. */
struct account_sum *account_sum_make(const struct gather *answers);
void account_sum_free(struct account_sum *sums);

/* NULL where no client of the tenant has ever come. */
struct account_sum *account_sum_find(struct account_sum *sums, const char *tenant);

#endif
