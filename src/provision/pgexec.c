// SPDX-License-Identifier: MIT
#include "provision/pgexec.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_SECONDS "15"

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

PGconn *pgexec_connect(const struct pgexec_target *target, struct err *err)
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
                                 "application_name",
                                 "client_encoding",
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
                                  target->application,
                                  "UTF8",
                                  NULL};

    (void)snprintf(port, sizeof port, "%d", target->port);
    PGconn *conn = PQconnectdbParams(names, values, 0);
    if (PQstatus(conn) != CONNECTION_OK) {
        (void)fail_connection(conn, err);
        PQfinish(conn);
        return NULL;
    }
    (void)PQsetNoticeReceiver(conn, drop_notice, NULL);
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

int pgexec_query(PGconn *conn, const char *sql, const char *const *params, int count,
                 PGresult **result, struct err *err)
{
    PGresult *got = PQexecParams(conn, sql, count, NULL, params, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(got);

    *result = got;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        int rc = fail_query(conn, got, err);
        PQclear(got);
        *result = NULL;
        return rc;
    }
    return 0;
}

int pgexec_run(PGconn *conn, const char *sql, struct err *err)
{
    PGresult *result;
    int rc = pgexec_query(conn, sql, NULL, 0, &result, err);

    PQclear(result);
    return rc;
}
