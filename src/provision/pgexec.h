// SPDX-License-Identifier: MIT
//
// pgexec: libpq with our errors. Blocks: for libuv's thread pool, or a program of its own. What the
// server says is passed on with its SQLSTATE, as ERR_SERVER. One thread per connection.
#ifndef PROVISION_PGEXEC_H
#define PROVISION_PGEXEC_H

#include <libpq-fe.h>

#include "base/err.h"

/* Where to connect and as whom. */
struct pgexec_target {
    const char *hosts; /* names, addresses or socket folders, with commas between */
    int port;
    const char *user;
    const char *password; /* NULL: none */
    const char *database;
    const char *sslmode;
    const char *sslrootcert; /* NULL: none; likewise below */
    const char *sslcert;
    const char *sslkey;
    const char *application;
    const char *options; /* command-line options for the session; NULL: none */
};

/* Begins to connect, for PQconnectPoll; NULL where there is no memory. */
PGconn *pgexec_start(const struct pgexec_target *target);

/* NULL with err set. End it with PQfinish. Notices of the server are dropped. */
PGconn *pgexec_connect(const struct pgexec_target *target, struct err *err);

/* Runs one statement with parameters as text; *result is the caller's to PQclear, or NULL with a
 * negative code and err set. */
int pgexec_query(PGconn *conn, const char *sql, const char *const *params, int count,
                 PGresult **result, struct err *err);

/* 0, or the error of a result that failed, which is cleared then. */
int pgexec_check(PGconn *conn, PGresult *got, struct err *err);

/* The same, of a statement whose result nobody wants. */
int pgexec_run(PGconn *conn, const char *sql, struct err *err);

/* Several statements as one Query message. */
int pgexec_batch(PGconn *conn, const char *sql, struct err *err);

#endif
