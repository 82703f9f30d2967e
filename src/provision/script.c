// SPDX-License-Identifier: MIT
#include "provision/script.h"

#include <stdio.h>

void script_run_shown(struct script *s, struct buf *sql, const char *shown)
{
    buf_append_u8(sql, 0);
    if (!script_failed(s)) {
        const char *text = (const char *)buf_slice(sql).p;
        if (!s->dry && pgexec_run(s->conn, text, &s->report->err) < 0) {
            err_wrap(&s->report->err, "%s", s->object);
        } else {
            report_add(s->report, REPORT_SQL, s->object, shown == NULL ? text : shown);
        }
    }
    buf_release_secret(sql);
}

void script_run(struct script *s, struct buf *sql)
{
    script_run_shown(s, sql, NULL);
}

PGresult *script_ask(struct script *s, const char *sql, const char *const *params, int count)
{
    PGresult *result = NULL;

    if (!script_failed(s) &&
        pgexec_query(s->conn, sql, params, count, &result, &s->report->err) < 0) {
        err_wrap(&s->report->err, "%s", s->object);
    }
    return result;
}

void script_do(struct script *s, const char *sql)
{
    PQclear(script_ask(s, sql, NULL, 0));
}

bool script_ask_text(struct script *s, const char *sql, const char *param, char *out, size_t size)
{
    PGresult *result = script_ask(s, sql, &param, param == NULL ? 0 : 1);
    bool there = result != NULL && PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);

    if (there) {
        (void)snprintf(out, size, "%s", PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    return there;
}

void script_run_file(struct script *s, struct slice text)
{
    struct buf sql = {0};

    buf_append_slice(&sql, text);
    buf_append_u8(&sql, 0);
    if (!script_failed(s) &&
        pgexec_batch(s->conn, (const char *)buf_slice(&sql).p, &s->report->err) < 0) {
        err_wrap(&s->report->err, "%s", s->object);
    }
    buf_release(&sql);
}
