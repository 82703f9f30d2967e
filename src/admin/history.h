// SPDX-License-Identifier: MIT
//
// history: samples of what was done in each database, kept to make averages of. Control thread.
#ifndef ADMIN_HISTORY_H
#define ADMIN_HISTORY_H

#include <uthash.h>

#include "pool/account.h"
#include "tenant/name.h"

#define STATS_PERIOD 60000 /* ms after which a sample is old enough to compare with */

struct stats_name {
    char server[NAME_SIZE];
    char database[NAME_SIZE];
};

struct stats_sum {
    UT_hash_handle hh;      /* by name, in the order in which they were found */
    struct stats_name name; /* its unused bytes are zero: it is a key */
    struct account_stats stats;
};

/* One time at which all was summed up. */
struct stats_sample {
    uint64_t at; /* loop time, ms */
    struct stats_sum *sums;
};

/* The two last samples; begins zeroed but for the times, which are that of the start. */
struct stats_history {
    struct stats_sample older;
    struct stats_sample newer;
};

#endif
