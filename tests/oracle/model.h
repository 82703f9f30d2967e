// SPDX-License-Identifier: MIT
//
// model: what PostgreSQL does with the messages of one session, as far as the oracle's clients go:
// the transaction, prepared statements, portals, COPY, the skipping behind an error ("Message
// Flow", "Extended Query"). A request is one message; it is worked off in steps, and each step
// says exactly which messages must come next. Where a pooler may answer otherwise without harm the
// step says so. Pure; copies of a model are models.
#ifndef ORACLE_MODEL_H
#define ORACLE_MODEL_H

#include "sql.h"

enum { STATEMENTS = 5, PORTALS = 3, QUERY_STATEMENTS = 3, EXPECTED_MAX = 16 };

enum request_type {
    REQUEST_QUERY,
    REQUEST_FUNCTION,
    REQUEST_PARSE,
    REQUEST_BIND,
    REQUEST_DESCRIBE_STATEMENT,
    REQUEST_DESCRIBE_PORTAL,
    REQUEST_EXECUTE,
    REQUEST_CLOSE_STATEMENT,
    REQUEST_CLOSE_PORTAL,
    REQUEST_SYNC,
    REQUEST_FLUSH,
    REQUEST_COPY_DATA,
    REQUEST_COPY_DONE,
    REQUEST_COPY_FAIL
};

struct request {
    uint8_t type;      /* enum request_type */
    uint8_t statement; /* index of its name */
    uint8_t portal;
    uint8_t count;                    /* QUERY: statements in it; BIND: parameters, 0 or 1 */
    uint8_t limit;                    /* EXECUTE: rows at most; 0 for all */
    bool broken;                      /* COPY_DATA: the server refuses it */
    bool gate;                        /* is sent when all before it is answered */
    uint32_t number;                  /* BIND: the bound number; COPY_DATA, FUNCTION: a value */
    struct sql sql[QUERY_STATEMENTS]; /* PARSE: the first */
};

/* One message that must come. */
struct expected {
    char type;
    char status;          /* Z */
    uint8_t kind;         /* D, d: enum sql_kind */
    uint8_t row;          /* D, d: counted from 1 */
    uint8_t columns;      /* T, t, H, G */
    uint32_t number;      /* D, d, N, V; C: rows of the tag, NO_COUNT for none */
    uint32_t application; /* D, d, Z: number of the application name in force */
    const char *text;     /* E, N with a code: SQLSTATE; C: tag */
};

#define NO_COUNT UINT32_MAX

struct outcome {
    struct expected items[EXPECTED_MAX];
    unsigned count;
    const char *instead[2]; /* SQLSTATEs of an error that may come in place of all items, or NULL */
    bool may_parse;         /* ParseComplete may come in place of the error */
    char may_be_empty;      /* this message may, as of a portal that is there and holds nothing */
};

struct statement_state {
    bool defined;
    bool unsure; /* the unnamed one, when the connection may be another by now */
    struct sql sql;
};

struct portal_state {
    bool exists;
    bool failed; /* its transaction failed */
    bool unsure; /* a cancel came while it was made: it may be there, until the transaction ends */
    bool done;
    uint8_t at; /* rows given */
    struct sql sql;
    uint32_t number;
};

struct model {
    char status;   /* 'I', 'T', 'E' */
    bool skipping; /* up to the next Sync */
    bool copying;  /* waits for CopyData */
    bool copy_extended;
    bool executed; /* something was executed since the transaction began */
    uint16_t copied;
    uint32_t application; /* in force */
    uint32_t committed;   /* application name to which a rollback returns */
    struct statement_state statements[STATEMENTS];
    struct portal_state portals[PORTALS];
};

void model_init(struct model *m);

/* Works off step `step` of a request. Returns whether there is another step. */
bool model_step(struct model *m, const struct request *r, unsigned step, struct outcome *o);

/* The step at hand failed instead, on a model as it was before the step; r is NULL where the server
 * waits for CopyData. What must come behind the error goes to the outcome. */
void model_fail(struct model *m, const struct request *r, struct outcome *o);

/* The Parse at hand was accepted instead. */
void model_accept_parse(struct model *m, const struct request *r);

#endif
