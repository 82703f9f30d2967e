// SPDX-License-Identifier: MIT
//
// socket: a connection of either side as SHOW CLIENTS, SERVERS and SOCKETS show it: the columns
// that the three have in common, PgBouncer's in its order, and the record that fills them.
#ifndef ADMIN_SOCKET_H
#define ADMIN_SOCKET_H

#include "admin/show.h"
#include "tenant/name.h"

#define SOCKET_COLUMNS                                                                             \
    {"type", COLUMN_TEXT}, {"user", COLUMN_TEXT}, {"database", COLUMN_TEXT},                       \
        {"replication", COLUMN_TEXT}, {"state", COLUMN_TEXT}, {"addr", COLUMN_TEXT},               \
        {"port", COLUMN_INT}, {"local_addr", COLUMN_TEXT}, {"local_port", COLUMN_INT},             \
        {"connect_time", COLUMN_TEXT}, {"request_time", COLUMN_TEXT}, {"wait", COLUMN_INT},        \
        {"wait_us", COLUMN_INT}, {"close_needed", COLUMN_INT}, {"ptr", COLUMN_TEXT},               \
        {"link", COLUMN_TEXT}, {"remote_pid", COLUMN_INT}, {"tls", COLUMN_TEXT},                   \
        {"application_name", COLUMN_TEXT}, {"prepared_statements", COLUMN_INT},                    \
    {                                                                                              \
        "id", COLUMN_INT                                                                           \
    }

struct socket_record {
    char type;         /* 'C' or 'S' */
    bool close_needed; /* it ends when it is next free */
    bool linked;
    bool has_slot; /* a client with a slot, by which it is found again */
    uint32_t slot;
    uint32_t worker;
    uint32_t remote_pid;
    uint32_t prepared_statements;
    const char *state; /* a constant */
    char user[NAME_SIZE];
    char database[NAME_SIZE];
    char tenant[NAME_SIZE];
    char server[NAME_SIZE];
    char application_name[NAME_SIZE];
    char tls[48]; /* version and cipher; "" without */
    struct addr addr;
    struct addr local;
    uint64_t id;           /* one of all workers, likewise below */
    uint64_t link;         /* of the other side */
    uint64_t connected_at; /* loop time, ms; likewise below */
    uint64_t request_at;
    uint64_t waiting_since; /* 0: it does not wait */
    uint32_t body_left;     /* bytes of a message that is being passed */
    uint32_t unread;        /* bytes received and not passed on */
    uint32_t unsent;        /* bytes that the socket would not take yet */
};

/* The address of our end. */
void socket_local_addr(const struct conn *conn, struct addr *addr);

/* The protocol and the cipher of a connection; "" where it is in clear. */
void socket_describe_tls(const struct conn *conn, char *out, size_t size);

/* Writes the columns of SOCKET_COLUMNS, without beginning or ending the row. */
void socket_render(struct admin *admin, struct rows *rows, const struct socket_record *record);

/* Records of what lives on a worker; the steps of a gather. The addresses of our ends cost a system
 * call each, and are filled in by and by. */
enum gather_step socket_collect_clients(struct proxy *proxy, const struct question *question,
                                        struct gather_part *part);
enum gather_step socket_collect_servers(struct proxy *proxy, const struct question *question,
                                        struct gather_part *part);
enum gather_step socket_collect_all(struct proxy *proxy, const struct question *question,
                                    struct gather_part *part);

#endif
