// SPDX-License-Identifier: MIT
#include "provision/workplace.h"

#include <stdio.h>
#include <string.h>

/* An orphan of a process that was killed notices soon, and gives its lock back. */
static void set_up(PGconn *conn, struct report *report)
{
    (void)pgexec_batch(conn,
                       "SET search_path = pg_catalog, pg_temp; SET statement_timeout = 0;"
                       " SET lock_timeout = '1min'; SET default_transaction_read_only = off;"
                       " SET client_min_messages = warning",
                       &report->err);
    if (PQserverVersion(conn) >= 140000 && !report_failed(report)) {
        (void)pgexec_run(conn, "SET client_connection_check_interval = '500ms'", &report->err);
    }
}

static PGconn *open_place(struct workplace *w, struct place *place,
                          const struct server_target *server, const char *database)
{
    struct pgexec_target target = server->target;

    target.database = database;
    place->conn = pgexec_connect(&target, &w->report->err);
    place->hosts = server->hosts;
    (void)snprintf(place->database, sizeof place->database, "%s", database);
    if (place->conn != NULL) {
        set_up(place->conn, w->report);
    }
    return place->conn;
}

/* Servers are told apart by the text of their hosts, which each target has once. */
static struct script script_on(struct workplace *w, const struct server_target *server,
                               const char *database, const char *object)
{
    struct script s = {.report = w->report, .object = object, .dry = w->request->dry};
    struct place *place = w->places;

    if (report_failed(w->report) || server->hosts == NULL) {
        return s;
    }
    while (place->conn != NULL &&
           (place->hosts != server->hosts || strcmp(place->database, database) != 0)) {
        place++;
    }
    s.conn = place->conn != NULL ? place->conn : open_place(w, place, server, database);
    return s;
}

struct script workplace_registry(struct workplace *w, const char *object)
{
    const struct server_target *registry = &w->request->registry;

    return script_on(w, registry, registry->target.database, object);
}

struct script workplace_admin(struct workplace *w, const char *object)
{
    return script_on(w, &w->request->admin, w->request->admin.target.database, object);
}

struct script workplace_database(struct workplace *w, const char *database, const char *object)
{
    return script_on(w, &w->request->admin, database, object);
}

void workplace_lock(struct workplace *w)
{
    const char *tenant = w->request->spec.tenant;
    struct script s = w->request->registry.hosts != NULL ? workplace_registry(w, tenant)
                                                         : workplace_admin(w, tenant);
    char answer[8] = "";

    if (s.conn == NULL) {
        return;
    }
    (void)script_ask_text(&s,
                          "SELECT pg_catalog.pg_try_advisory_lock("
                          "pg_catalog.hashtextextended('fahrend tenant ' || $1::text, 0))",
                          tenant, answer, sizeof answer);
    if (!script_failed(&s) && answer[0] != 't') {
        (void)err_set(&w->report->err, ERR_WRONG_STATE,
                      "tenant \"%s\" is being made, changed or removed by another command", tenant);
        err_hint(&w->report->err, "Try again when that has ended.");
    }
}

/* A server gives locks back some time after its connection has ended. */
static void end(struct place *place)
{
    PQclear(PQexec(place->conn, "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()"));
    PQfinish(place->conn);
    *place = (struct place){.conn = NULL};
}

void workplace_leave(struct workplace *w, const char *database)
{
    for (size_t i = 0; i < WORKPLACE_CONNECTIONS; i++) {
        struct place *place = &w->places[i];
        struct place *last = &w->places[WORKPLACE_CONNECTIONS - 1];
        if (place->conn != NULL && strcmp(place->database, database) == 0 &&
            place->hosts == w->request->admin.hosts) {
            end(place);
            memmove(place, place + 1, (size_t)(last - place) * sizeof *place);
            *last = (struct place){.conn = NULL};
            return;
        }
    }
}

void workplace_close(struct workplace *w)
{
    for (size_t i = 0; i < WORKPLACE_CONNECTIONS; i++) {
        if (w->places[i].conn != NULL) {
            end(&w->places[i]);
        }
    }
}
