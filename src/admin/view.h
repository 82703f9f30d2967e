// SPDX-License-Identifier: MIT
//
// view: one look at everything, for those on other threads: the tenants, pools, servers and workers
// as the workers mailed them, added up, and what is in force. Asked for on the control thread,
// immutable once it is there, counted atomically; whoever holds a reference may read it anywhere.
#ifndef ADMIN_VIEW_H
#define ADMIN_VIEW_H

#include <stdatomic.h>

#include "admin/account_sum.h"
#include "admin/pool_sum.h"

struct view_worker {
    uint32_t clients;             /* connections of clients, not logged in ones included */
    uint32_t connections;         /* to servers */
    uint64_t cancels;             /* requests received */
    uint64_t closes[ERR_INDEXES]; /* of clients, by reason */
    struct account_stats stats;   /* of all tenants there */
};

struct view_tenant {
    struct account_record record;
    const char *state; /* a constant */
};

struct view_server {
    char name[NAME_SIZE];
    struct pool_stats stats; /* of all pools there, gone ones included */
    uint32_t connections;    /* in any state */
    uint32_t ready;          /* of them, logged in */
    uint32_t max;            /* 0 = no limit */
    uint32_t waiting;        /* clients */
    uint64_t failing_pools;  /* whose last attempt to connect failed */
    char failure[128];       /* of one of those */
};

struct view_store {
    char name[NAME_SIZE];
    char failure[128]; /* of the last time that it was asked; "" where that went well */
};

struct view {
    _Atomic uint32_t refs;
    const struct realm *realm; /* in force; a reference */
    uint64_t at;               /* of the control loop's clock, ms */
    uint64_t uptime;           /* ms */
    bool draining;
    struct view_worker *workers;
    uint32_t worker_count;
    struct view_tenant *tenants; /* whose clients have come since the start */
    uint32_t tenant_count;
    struct pool_record *pools;
    uint32_t pool_count;
    struct view_server *servers; /* those of the configuration, in its order */
    uint32_t server_count;
    struct view_store *stores; /* providers of secrets, in the order of the configuration */
    uint32_t store_count;
};

/* `view` is a reference, which is the receiver's; NULL where fahrend ends meanwhile. */
typedef void (*view_cb)(void *data, const struct view *view);

/* Looks; on the control thread, where the callback comes as well. */
void view_ask(struct admin *admin, view_cb cb, void *data);

const struct view *view_ref(const struct view *view);
void view_unref(const struct view *view); /* NULL is allowed */

#endif
