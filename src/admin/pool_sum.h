// SPDX-License-Identifier: MIT
//
// pool_sum: pools as SHOW POOLS, DATABASES and LISTS count them. A worker copies a record of each
// of its pools; those of one name on several workers are added up on the control thread.
#ifndef ADMIN_POOL_SUM_H
#define ADMIN_POOL_SUM_H

#include <uthash.h>

#include "admin/gather.h"

struct pool_name {
    char server[NAME_SIZE];
    char database[NAME_SIZE];
    char user[NAME_SIZE];   /* the role that its connections log in as */
    char tenant[NAME_SIZE]; /* of a pool that serves one only; else empty */
};

struct pool_record {
    struct pool_name name; /* its unused bytes are zero: it is a key */
    uint32_t workers;      /* that have such a pool */
    uint32_t clients;      /* logged in, waiting ones included */
    uint32_t waiting;
    uint32_t tenants; /* lanes */
    uint32_t active;  /* connections, likewise below */
    uint32_t idle;
    uint32_t tested;
    uint32_t being_canceled;
    uint32_t login;
    int size; /* of one worker's, as configured; likewise below */
    int min_size;
    int reserve_size;
    int64_t lifetime; /* ms */
    enum pool_mode mode;
    bool paused;
    uint64_t waiting_since; /* of the longest waiting; loop time, ms; 0: none */
    struct pool_stats stats;
    char failure[128]; /* the last one to connect, where none has succeeded since */
};

enum gather_step pool_sum_collect(struct proxy *proxy, const struct question *question,
                                  struct gather_part *part);

struct pool_sum {
    UT_hash_handle hh; /* by name, in the order in which they were found */
    struct pool_record record;
};

/* The caller ends what it gets; an empty table is NULL. */
struct pool_sum *pool_sum_make(const struct gather *answers);
void pool_sum_free(struct pool_sum *sums);

static inline uint32_t pool_record_connections(const struct pool_record *r)
{
    return r->active + r->idle + r->tested + r->being_canceled + r->login;
}

const char *pool_mode_name(enum pool_mode mode);

#endif
