// SPDX-License-Identifier: MIT
//
// account: what one worker knows of one tenant while it runs: how many of its clients and
// connections there are, and what they did. It is made when the tenant's first client logs in, and
// stays, so that its counters do; the tenant's definition is in the registry. One thread: the
// worker's.
#ifndef POOL_ACCOUNT_H
#define POOL_ACCOUNT_H

#include <uthash.h>

#include "base/list.h"
#include "base/slice.h"
#include "pool/quota.h"
#include "pool/times.h"

struct account_stats {
    uint64_t transactions;
    uint64_t queries;
    uint64_t parses;        /* of named statements, by its clients */
    uint64_t server_parses; /* of them, that went to a server */
    uint64_t binds;         /* of named statements */
    uint64_t errors;        /* sent by us to its clients */
    uint64_t assignments;   /* of a server connection to one of them */
    uint64_t switches;      /* of a server connection into one of its contexts */
    uint64_t logins;
    uint64_t tampers;   /* with what it may not change, as far as the server told */
    uint64_t bytes_in;  /* from its clients */
    uint64_t bytes_out; /* to its clients */
    struct times times;
};

/* What a tenant did in one database. */
struct tally {
    struct tally *next;
    char *server;
    char *database;
    struct account_stats stats;
};

struct account {
    UT_hash_handle hh; /* by name */
    char *name;
    struct list clients_list; /* its logged-in frontends; typed by the proxy layer */
    struct list full_lanes;   /* of it, that stand aside since it has all the links it may have */
    struct list own_pools;    /* that log in as its own role */
    uint32_t clients;         /* logged in */
    uint32_t waiting;         /* of them, in a queue */
    uint32_t connections;     /* server connections linked to them now */
    uint32_t tampers;         /* since it was last let in, for limits.tampers */
    uint64_t change;          /* the latest of the tenant's definition that is known here */
    bool paused;              /* by order: its clients stand in their queues */
    uint8_t log_level;        /* its own, as struct log_origin has it */
    struct tally *tallies;    /* as long as the account */
    struct quota *quota;      /* what is counted over all workers */
    struct quota alone;       /* that, where there is but one */
};

/* `quotas` of all workers, or NULL where there is but one. */
struct account *account_find_or_add(struct account **accounts, struct quotas *quotas,
                                    struct slice name);

/* Where what the account does in a database is counted; made when it is new. */
struct account_stats *account_stats_of(struct account *account, const char *server,
                                       const char *database);
void account_free_all(struct account **accounts);

#endif
