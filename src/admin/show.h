// SPDX-License-Identifier: MIT
//
// show: the SHOW commands. Each noun is a const struct in a file of its own: its columns, what a
// worker copies of what lives on it (`collect`, on the worker's thread, records into a buf: no text
// is made there, so that many thousands of them take a few milliseconds), and how that becomes
// rows, joined over all workers (`render`, on the control thread).
#ifndef ADMIN_SHOW_H
#define ADMIN_SHOW_H

#include "admin/gather.h"
#include "admin/rows.h"

struct command;
struct console;

struct show {
    struct columns columns;
    gather_work collect; /* NULL: nothing of the workers is shown, and `gather` below is NULL */
    void (*render)(struct admin *admin, const struct gather *gather, struct rows *rows);
};

/* The `run` of every row of the command table that has a show. */
void show_run(struct console *console, const struct command *command);

/* show_clients.c */
extern const struct show show_clients;
/* show_servers.c */
extern const struct show show_servers;
/* show_pools.c */
extern const struct show show_pools;
/* show_databases.c */
extern const struct show show_databases;
/* show_tenants.c */
extern const struct show show_tenants;
/* show_lists.c */
extern const struct show show_lists;
/* show_stats.c */
extern const struct show show_stats;
extern const struct show show_stats_totals;
extern const struct show show_stats_averages;
extern const struct show show_totals;
/* show_users.c */
extern const struct show show_users;
/* show_mem.c */
extern const struct show show_mem;
/* show_sockets.c */
extern const struct show show_sockets;
extern const struct show show_active_sockets;
/* show_config.c */
extern const struct show show_config;
/* show_simple.c */
extern const struct show show_version;
extern const struct show show_state;
extern const struct show show_peers;
extern const struct show show_peer_pools;
extern const struct show show_dns_hosts;
extern const struct show show_dns_zones;

/* --- for the show_*.c --- */

/* A moment of the loops' clock (ms, as loop_now) as a date of the wall clock, in a text column. */
void show_moment(struct admin *admin, struct rows *rows, uint64_t at);

/* An address and its port, in two columns: "10.0.0.7", 5432; "unix", 0. */
void show_address(struct rows *rows, const struct addr *addr);

#endif
