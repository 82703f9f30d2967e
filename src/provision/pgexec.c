// SPDX-License-Identifier: MIT
#include "provision/pgexec.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_SECONDS "15"
#define UNANSWERED_MS   "30000" /* bytes that nobody acknowledges for so long end a connection */

static void drop_notice(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

/* libpq's own messages have several lines; one is enough. */
static int fail_connection(PGconn *conn, struct err *err)
{
    const char *text = PQerrorMessage(conn);

    return err_set(err, ERR_CONNECTION, "%.*s", (int)strcspn(text, "\n"), text);
}

/* libpq connects and waits, or only begins to. */
typedef PGconn *(*opener)(const char *const *names, const char *const *values, int expand);

static PGconn *open_connection(const struct pgexec_target *target, opener open)
{
    char port[16];
    const char *const names[] = {"host",
                                 "port",
                                 "user",
                                 "password",
                                 "dbname",
                                 "sslmode",
                                 "sslrootcert",
                                 "sslcert",
                                 "sslkey",
                                 "connect_timeout",
                                 "tcp_user_timeout",
                                 "application_name",
                                 "client_encoding",
                                 "options",
                                 NULL};
    const char *const values[] = {target->hosts,
                                  port,
                                  target->user,
                                  target->password,
                                  target->database,
                                  target->sslmode,
                                  target->sslrootcert,
                                  target->sslcert,
                                  target->sslkey,
                                  CONNECT_SECONDS,
                                  UNANSWERED_MS,
                                  target->application,
                                  "UTF8",
                                  target->options,
                                  NULL};

    (void)snprintf(port, sizeof port, "%d", target->port);
    PGconn *conn = open(names, values, 0);
    if (conn != NULL) {
        (void)PQsetNoticeReceiver(conn, drop_notice, NULL);
    }
    return conn;
}

PGconn *pgexec_start(const struct pgexec_target *target)
{
    return open_connection(target, PQconnectStartParams);
}

PGconn *pgexec_connect(const struct pgexec_target *target, struct err *err)
{
    PGconn *conn = open_connection(target, PQconnectdbParams);

    if (PQstatus(conn) != CONNECTION_OK) {
        (void)fail_connection(conn, err);
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

static int fail_query(PGconn *conn, const PGresult *result, struct err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

    if (sqlstate == NULL || text == NULL) {
        return fail_connection(conn, err);
    }
    (void)err_set(err, ERR_SERVER, "%s", text);
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    if (hint != NULL) {
        err_hint(err, "%s", hint);
    }
    return err->code;
}

static int take_result(PGconn *conn, PGresult *got, PGresult **result, struct err *err)
{
    ExecStatusType status = PQresultStatus(got);

    *result = got;
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
        PQclear(got);
        *result = NULL;
        return err_set(err, ERR_UNSUPPORTED, "COPY from or to the client is not possible here");
    }
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        int rc = fail_query(conn, got, err);
        PQclear(got);
        *result = NULL;
        return rc;
    }
    return 0;
}

int pgexec_check(PGconn *conn, PGresult *got, struct err *err)
{
    PGresult *result;

    return take_result(conn, got, &result, err);
}

int pgexec_query(PGconn *conn, const char *sql, const char *const *params, int count,
                 PGresult **result, struct err *err)
{
    PGresult *got = PQexecParams(conn, sql, count, NULL, params, NULL, NULL, 0);

    return take_result(conn, got, result, err);
}

int pgexec_run(PGconn *conn, const char *sql, struct err *err)
{
    PGresult *result;
    int rc = pgexec_query(conn, sql, NULL, 0, &result, err);

    PQclear(result);
    return rc;
}

int pgexec_batch(PGconn *conn, const char *sql, struct err *err)
{
    PGresult *result;
    int rc = take_result(conn, PQexec(conn, sql), &result, err);

    PQclear(result);
    return rc;
}
