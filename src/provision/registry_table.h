// SPDX-License-Identifier: MIT
//
// registry_table: fahrend.tenants, where tenants that are made or changed at run time are kept, and
// what every statement about it is. The table tells who listens to the channel REGISTRY_CHANNEL
// which row changed, whoever changed it. Blocks; for libuv's thread pool or a thread of its own.
#ifndef PROVISION_REGISTRY_TABLE_H
#define PROVISION_REGISTRY_TABLE_H

#include "provision/pgexec.h"
#include "tenant/roster.h"

#define REGISTRY_CHANNEL "fahrend_tenants"

/* Makes the table where there is none yet; fails where it is one of a newer version. */
int registry_table_prepare(PGconn *conn, struct err *err);

/* Is the table there? Changes nothing. */
int registry_table_exists(PGconn *conn, bool *exists, struct err *err);

/* Puts the row, unless there is one of its name. *record becomes the row that is there now;
 * *inserted says whether it is the one given. */
int registry_table_insert(PGconn *conn, const struct roster_record *given,
                          struct roster_record *record, bool *inserted, struct err *err);

/* Lays options over those of the row (a null takes a key out), and gives it a state; *record
 * becomes the row. ERR_UNKNOWN_TENANT where there is none. */
int registry_table_update(PGconn *conn, const struct roster_record *given,
                          struct roster_record *record, struct err *err);

/* The options of the row with others laid over them, without changing it. To be freed. */
int registry_table_merge(PGconn *conn, const char *options, const char *over, char **merged,
                         struct err *err);

/* The options that a row would have if these were given for it again: passwords that were rotated
 * since stay so. To be freed. *epoch is which they are. */
int registry_table_repeat(PGconn *conn, const char *row, const char *given, char **options,
                          uint32_t *epoch, struct err *err);

/* *record becomes a record that is gone; nothing to do is no error. */
int registry_table_delete(PGconn *conn, const char *name, struct roster_record *record,
                          struct err *err);

/* One row; *record is gone where there is none. */
int registry_table_read(PGconn *conn, const char *name, struct roster_record *record,
                        struct err *err);

/* All rows of an answer to one of the two questions, and room for some more behind them. To be
 * freed as one: their texts are in it, and no record is to be ended. */
extern const char registry_table_all[];
extern const char registry_table_some[]; /* $1: names as an array */
struct roster_record *registry_table_records(const PGresult *result, size_t room, size_t *count);

/* A text that is another one whenever the rows are others. */
extern const char registry_table_sum[];

#endif
