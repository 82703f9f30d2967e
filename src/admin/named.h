// SPDX-License-Identifier: MIT
//
// named: which tenants have a name in metrics. The busiest, up to a number; the rest are added up
// as one. A tenant that has a name keeps it until another is twice as busy, and what it had counted
// at such a change is carried over, so that the counters of the rest neither fall nor jump. One
// thread at a time.
#ifndef ADMIN_NAMED_H
#define ADMIN_NAMED_H

#include "admin/view.h"

/* What the rest are called together. */
#define NAMED_REST "other"

struct named_entry;

struct named {
    struct named_entry *table;    /* uthash by tenant: those that have a name */
    struct account_stats carried; /* what the rest would lack, or have too much; wraps around */
    bool had_rest;                /* at the last choice */
};

/* What is shown; the caller ends it. */
struct named_choice {
    bool *has_name; /* by the view's tenants */
    struct account_record rest;
    uint32_t rest_count;
};

void named_choose(struct named *named, const struct view *view, uint32_t max,
                  struct named_choice *choice);
void named_choice_fini(struct named_choice *choice);
void named_fini(struct named *named);

#endif
