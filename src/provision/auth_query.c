// SPDX-License-Identifier: MIT
#include "provision/auth_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "provision/server_target.h"

#define STATEMENT "fahrend_user"
#define ROLES_MAX 10000

/* What a client can say never reaches this connection but as a parameter; nor does what a database
 * or role is set to by ALTER … SET. */
#define OPTIONS                                                                                    \
    "-c search_path=pg_catalog,pg_temp -c statement_timeout=10s -c "                               \
    "idle_in_transaction_session_timeout=10s"

/* Direct or not, with inheritance or not, as PostgreSQL reads +role in its own rules. */
#define ROLES_SQL                                                                                  \
    "WITH RECURSIVE up(oid) AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1 UNION "     \
    "SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN up ON m.member = up.oid) "             \
    "SELECT r.rolname FROM up JOIN pg_catalog.pg_roles r USING (oid)"

struct auth_query {
    const struct secrets *secrets; /* a reference */
    const struct config *config;   /* that they are of */
    PGconn *conn;                  /* NULL: not connected */
    int parameters;                /* that the statement takes */
};

struct auth_query *auth_query_new(const struct secrets *secrets)
{
    struct auth_query *query = x_zalloc(sizeof *query);

    query->secrets = secrets_ref(secrets);
    query->config = secrets_config(secrets);
    return query;
}

static void disconnect(struct auth_query *query)
{
    PQfinish(query->conn);
    query->conn = NULL;
}

void auth_query_free(struct auth_query *query)
{
    if (query != NULL) {
        disconnect(query);
        secrets_unref(query->secrets);
        free(query);
    }
}

/* ---- the connection ---- */

static int connect_now(struct auth_query *query, struct err *err)
{
    const struct auth_query_config *q = &query->config->auth.query;
    struct server_target st;

    server_target_reach(&st, config_server(query->config, q->server));
    st.target.user = q->user;
    st.target.password = secret_of(query->secrets, &q->password);
    st.target.database = q->database;
    st.target.application = "fahrend auth";
    st.target.options = OPTIONS;
    query->conn = pgexec_connect(&st.target, err);
    server_target_fini(&st);
    return query->conn == NULL ? err->code : 0;
}

static int prepare(struct auth_query *query, struct err *err)
{
    PGresult *result = PQprepare(query->conn, STATEMENT, query->config->auth.query.sql, 0, NULL);
    int rc = pgexec_check(query->conn, result, err);

    if (rc < 0) {
        return rc;
    }
    PQclear(result);
    result = PQdescribePrepared(query->conn, STATEMENT);
    query->parameters = PQnparams(result);
    int columns = PQnfields(result);
    PQclear(result);
    if (query->parameters < 1 || query->parameters > 3 || columns < 2) {
        return err_set(err, ERR_CONFIG,
                       "auth.query.sql must take $1 (user), $2 (tenant), $3 (database) or fewer of "
                       "them, and tell name and secret");
    }
    return 0;
}

static int ensure_connected(struct auth_query *query, struct err *err)
{
    if (query->conn != NULL && PQstatus(query->conn) == CONNECTION_OK) {
        return 0;
    }
    disconnect(query);
    int rc = connect_now(query, err);
    rc = rc < 0 ? rc : prepare(query, err);
    if (rc < 0) {
        disconnect(query);
    }
    return rc;
}

typedef PGresult *(*send_fn)(struct auth_query *query, const struct auth_query_subject *subject);

/* Has the server ended the session? Its last word may be read before the end of the stream is. */
static bool is_lost(const struct auth_query *query, const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return PQstatus(query->conn) != CONNECTION_OK ||
           (severity != NULL && strcmp(severity, "FATAL") == 0);
}

/* Once more where the connection turned out to be lost. NULL with err set. */
static PGresult *ask(struct auth_query *query, const struct auth_query_subject *subject,
                     send_fn send, struct err *err)
{
    for (int attempt = 0;; attempt++) {
        if (ensure_connected(query, err) < 0) {
            return NULL;
        }
        PGresult *result = send(query, subject);
        bool lost = is_lost(query, result);
        if (pgexec_check(query->conn, result, err) == 0) {
            return result;
        }
        if (!lost || attempt > 0) {
            return NULL;
        }
        disconnect(query);
    }
}

/* ---- a user ---- */

static PGresult *send_user(struct auth_query *query, const struct auth_query_subject *subject)
{
    const char *const values[] = {subject->user, subject->tenant, subject->database};

    return PQexecPrepared(query->conn, STATEMENT, query->parameters, values, NULL, NULL, 0);
}

static char *value_of(const PGresult *result, int column)
{
    return PQgetisnull(result, 0, column) ? NULL : x_strdup(PQgetvalue(result, 0, column));
}

int auth_query_ask_user(struct auth_query *query, const struct auth_query_subject *subject,
                        struct auth_query_user *user, struct err *err)
{
    *user = (struct auth_query_user){0};
    PGresult *result = ask(query, subject, send_user, err);
    if (result == NULL) {
        return err->code;
    }
    int rows = PQntuples(result);
    if (rows > 1) {
        log_warning("auth.query found %d rows for one user: refused user=%s", rows, subject->user);
    } else if (rows == 1 && (PQgetisnull(result, 0, 0) ||
                             strcmp(PQgetvalue(result, 0, 0), subject->user) != 0)) {
        log_warning("auth.query found another user than was asked for: refused user=%s",
                    subject->user);
    } else if (rows == 1) {
        user->found = true;
        user->secret = value_of(result, 1);
        user->has_tenants = PQnfields(result) > 2;
        user->tenants = user->has_tenants ? value_of(result, 2) : NULL;
    }
    PQclear(result);
    return 0;
}

void auth_query_user_fini(struct auth_query_user *user)
{
    secure_free(user->secret);
    free(user->tenants);
    *user = (struct auth_query_user){0};
}

/* ---- its roles ---- */

static PGresult *send_roles(struct auth_query *query, const struct auth_query_subject *subject)
{
    return PQexecParams(query->conn, ROLES_SQL, 1, NULL, &subject->user, NULL, NULL, 0);
}

int auth_query_ask_roles(struct auth_query *query, const struct auth_query_subject *subject,
                         struct auth_query_roles *roles, struct err *err)
{
    *roles = (struct auth_query_roles){0};
    PGresult *result = ask(query, subject, send_roles, err);
    if (result == NULL) {
        return err->code;
    }
    size_t count = (size_t)PQntuples(result);
    if (count > ROLES_MAX) {
        PQclear(result);
        return err_set(err, ERR_CONFIG, "a member of more than %d roles", ROLES_MAX);
    }
    roles->names = x_alloc((count + 1) * sizeof *roles->names);
    for (size_t i = 0; i < count; i++) {
        roles->names[roles->count++] = x_strdup(PQgetvalue(result, (int)i, 0));
    }
    PQclear(result);
    return 0;
}

void auth_query_roles_fini(struct auth_query_roles *roles)
{
    for (size_t i = 0; i < roles->count; i++) {
        free(roles->names[i]);
    }
    free(roles->names);
    *roles = (struct auth_query_roles){0};
}
