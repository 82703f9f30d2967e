// SPDX-License-Identifier: MIT
#include "model.h"

#include <assert.h>

void model_init(struct model *m)
{
    *m = (struct model){.status = 'I'};
}

static struct expected *expect(struct outcome *o, char type)
{
    assert(o->count < EXPECTED_MAX);
    struct expected *item = &o->items[o->count++];
    *item = (struct expected){.type = type, .number = NO_COUNT};
    return item;
}

/* ---- transactions ---- */

static void drop_portals(struct model *m)
{
    for (unsigned i = 0; i < PORTALS; i++) {
        m->portals[i] = (struct portal_state){0};
    }
}

static void end_block(struct model *m, bool commit)
{
    if (commit) {
        m->committed = m->application;
    } else {
        m->application = m->committed;
    }
    m->status = 'I';
    m->executed = false;
    drop_portals(m);
}

static void abort_block(struct model *m)
{
    if (m->status == 'I') {
        end_block(m, false);
        return;
    }
    m->application = m->committed;
    m->executed = false;
    for (unsigned i = 0; i < PORTALS && m->status == 'T'; i++) {
        m->portals[i].failed = true;
    }
    m->status = 'E';
}

static void ready(struct model *m, struct outcome *o)
{
    if (m->status == 'I') {
        end_block(m, true);
        m->statements[0].unsure = true;
    }
    struct expected *item = expect(o, 'Z');
    item->status = m->status;
    item->application = m->application;
}

static bool fail(struct model *m, struct outcome *o, const char *sqlstate)
{
    expect(o, 'E')->text = sqlstate;
    abort_block(m);
    return false;
}

/* In the extended protocol. */
static void fail_batch(struct model *m, struct outcome *o, const char *sqlstate)
{
    (void)fail(m, o, sqlstate);
    m->skipping = true;
}

/* ---- statements ---- */

static void complete(struct outcome *o, const char *tag, uint32_t count)
{
    struct expected *item = expect(o, 'C');

    item->text = tag;
    item->number = count;
}

static void warn(struct outcome *o, const char *sqlstate)
{
    expect(o, 'N')->text = sqlstate;
}

static void expect_row(const struct model *m, const struct portal_state *p, struct outcome *o,
                       char type)
{
    struct expected *item = expect(o, type);

    item->kind = p->sql.kind;
    item->row = p->at;
    item->number = p->number;
    item->application = m->application;
}

/* Rows up to the limit, the end, or the row that fails. */
static bool run_select(struct model *m, struct portal_state *p, unsigned limit, struct outcome *o)
{
    const struct sql_facts *facts = sql_facts(p->sql.kind);
    uint32_t given = 0;

    while (!p->done && (limit == 0 || given < limit) && p->at < facts->rows) {
        p->at++;
        if (p->sql.kind == SQL_LATE_ERROR && p->at == SQL_FAILS_AT) {
            return fail(m, o, "22012");
        }
        expect_row(m, p, o, 'D');
        given++;
    }
    m->executed = true;
    if (!p->done && limit != 0 && given == limit) {
        (void)expect(o, 's');
        return true;
    }
    p->done = true;
    complete(o, facts->tag, given);
    return true;
}

static bool run_copy_out(struct model *m, struct portal_state *p, struct outcome *o)
{
    expect(o, 'H')->columns = SQL_COLUMNS;
    for (p->at = 1; p->at <= SQL_COPY_ROWS; p->at++) {
        expect_row(m, p, o, 'd');
    }
    (void)expect(o, 'c');
    complete(o, "COPY", SQL_COPY_ROWS);
    m->executed = true;
    return true;
}

static bool run_begin(struct model *m, struct outcome *o)
{
    if (m->status == 'T') {
        warn(o, "25001");
    }
    m->status = 'T';
    complete(o, "BEGIN", NO_COUNT);
    return true;
}

static bool run_end(struct model *m, bool commit, struct outcome *o)
{
    const char *tag = commit && m->status != 'E' ? "COMMIT" : "ROLLBACK";

    if (m->status == 'I') {
        warn(o, "25P01");
    }
    end_block(m, commit && m->status != 'E');
    complete(o, tag, NO_COUNT);
    return true;
}

static bool run_deallocate(struct model *m, const struct sql *sql, struct outcome *o)
{
    if (!m->statements[sql->target].defined) {
        return fail(m, o, "26000");
    }
    m->statements[sql->target].defined = false;
    m->executed = true;
    complete(o, "DEALLOCATE", NO_COUNT);
    return true;
}

static void drop_named_statements(struct model *m)
{
    for (unsigned i = 1; i < STATEMENTS; i++) {
        m->statements[i].defined = false;
    }
}

static bool run_discard_all(struct model *m, struct outcome *o)
{
    if (m->status == 'T' || m->executed) {
        return fail(m, o, "25001");
    }
    drop_named_statements(m);
    m->application = 0;
    end_block(m, true);
    complete(o, "DISCARD ALL", NO_COUNT);
    return true;
}

/* What a portal's statement does outside a failed transaction. Returns false where it fails. */
static bool run(struct model *m, struct portal_state *p, unsigned limit, struct outcome *o)
{
    switch ((enum sql_kind)p->sql.kind) {
    case SQL_EMPTY:
        (void)expect(o, 'I');
        return true;
    case SQL_ECHO:
    case SQL_SERIES:
    case SQL_LATE_ERROR:
    case SQL_LARGE:
    case SQL_LITERAL:
    case SQL_SLEEP:
        return run_select(m, p, limit, o);
    case SQL_NOTICE:
        expect(o, 'N')->number = p->number;
        complete(o, "DO", NO_COUNT);
        break;
    case SQL_DO:
        complete(o, "DO", NO_COUNT);
        break;
    case SQL_BEGIN:
        return run_begin(m, o);
    case SQL_COMMIT:
    case SQL_ROLLBACK:
        return run_end(m, p->sql.kind == SQL_COMMIT, o);
    case SQL_SYNTAX:
        return fail(m, o, "42601");
    case SQL_NO_TABLE:
        return fail(m, o, "42P01");
    case SQL_ZERO:
        return fail(m, o, "22012");
    case SQL_SET:
        m->application = p->sql.number;
        complete(o, "SET", NO_COUNT);
        break;
    case SQL_DEALLOCATE:
        return run_deallocate(m, &p->sql, o);
    case SQL_DEALLOCATE_ALL:
        drop_named_statements(m);
        complete(o, "DEALLOCATE ALL", NO_COUNT);
        break;
    case SQL_DISCARD_ALL:
        return run_discard_all(m, o);
    case SQL_COPY_OUT:
        return run_copy_out(m, p, o);
    case SQL_COPY_IN:
        m->copying = true;
        m->copied = 0;
        expect(o, 'G')->columns = 3;
        break;
    case SQL_KINDS:
        assert(false);
    }
    m->executed = true;
    return true;
}

/* ---- simple queries ---- */

static bool has_syntax_error(const struct request *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (r->sql[i].kind == SQL_SYNTAX) {
            return true;
        }
    }
    return false;
}

static bool run_simple(struct model *m, const struct sql *sql, struct outcome *o)
{
    const struct sql_facts *facts = sql_facts(sql->kind);
    struct portal_state p = {.exists = true, .sql = *sql, .number = sql->number};

    if (sql->kind == SQL_EMPTY) {
        return run(m, &p, 0, o);
    }
    if (m->status == 'E' && !facts->ends_block) {
        return fail(m, o, "25P02");
    }
    if (facts->columns > 0 && facts->rows > 0) {
        expect(o, 'T')->columns = facts->columns;
    }
    if (sql->kind != SQL_NO_TABLE && sql->kind != SQL_ZERO) {
        m->portals[0] = (struct portal_state){0};
    }
    return run(m, &p, 0, o);
}

static bool step_query(struct model *m, const struct request *r, unsigned step, struct outcome *o)
{
    m->statements[0] = (struct statement_state){0};
    if (step == 0 && has_syntax_error(r)) {
        (void)fail(m, o, "42601");
        ready(m, o);
        return false;
    }
    if (step == r->count) {
        ready(m, o);
        return false;
    }
    if (!run_simple(m, &r->sql[step], o)) {
        ready(m, o);
        return false;
    }
    m->copy_extended = false;
    return !m->copying; /* the end of the copy brings the rest */
}

static void step_function(struct model *m, const struct request *r, struct outcome *o)
{
    if (m->status == 'E') {
        (void)fail(m, o, "25P02");
    } else {
        expect(o, 'V')->number = r->number;
    }
    ready(m, o);
}

/* ---- extended queries ---- */

static void define(struct model *m, const struct request *r)
{
    m->statements[r->statement] = (struct statement_state){.defined = true, .sql = r->sql[0]};
}

static void step_parse(struct model *m, const struct request *r, struct outcome *o)
{
    struct statement_state *s = &m->statements[r->statement];
    const struct sql_facts *facts = sql_facts(r->sql[0].kind);
    bool known = r->statement != 0 && s->defined;

    if (r->statement == 0) {
        *s = (struct statement_state){0};
    }
    if (known) {
        o->instead[0] = "42P05"; /* a pooler looks at the name first */
    }
    if (r->sql[0].kind == SQL_SYNTAX) {
        fail_batch(m, o, "42601");
    } else if (m->status == 'E' && !facts->ends_block && r->sql[0].kind != SQL_EMPTY) {
        o->may_parse = r->statement != 0 && !known; /* one that its connection knows already */
        fail_batch(m, o, "25P02");
    } else if (r->sql[0].kind == SQL_NO_TABLE) {
        fail_batch(m, o, "42P01");
    } else if (known) {
        fail_batch(m, o, "42P05");
    } else {
        (void)expect(o, '1');
        define(m, r);
    }
}

static void step_bind(struct model *m, const struct request *r, struct outcome *o)
{
    const struct statement_state *s = &m->statements[r->statement];
    struct portal_state *p = &m->portals[r->portal];
    const struct sql_facts *facts = sql_facts(s->sql.kind);

    assert(!s->unsure);
    if (m->status == 'E' && s->defined) {
        o->instead[0] = "25P02"; /* it had to be prepared anew */
    }
    if (p->unsure) {
        o->instead[1] = "42P03";
    }
    if (!s->defined) {
        fail_batch(m, o, "26000");
    } else if (r->count != facts->params) {
        fail_batch(m, o, "08P01");
    } else if (m->status == 'E' && !facts->ends_block) {
        fail_batch(m, o, "25P02");
    } else if (r->portal != 0 && p->exists) {
        fail_batch(m, o, "42P03");
    } else if (s->sql.kind == SQL_ZERO) {
        fail_batch(m, o, "22012");
    } else {
        uint32_t number = facts->params > 0 ? r->number : s->sql.number;
        *p = (struct portal_state){.exists = true, .sql = s->sql, .number = number};
        (void)expect(o, '2');
    }
}

static void describe_columns(struct outcome *o, const struct sql_facts *facts)
{
    if (facts->columns == 0) {
        (void)expect(o, 'n');
    } else {
        expect(o, 'T')->columns = facts->columns;
    }
}

static void step_describe_statement(struct model *m, const struct request *r, struct outcome *o)
{
    const struct statement_state *s = &m->statements[r->statement];
    const struct sql_facts *facts = sql_facts(s->sql.kind);

    if (!s->defined) {
        fail_batch(m, o, "26000");
        return;
    }
    if (m->status == 'E') {
        o->instead[0] = "25P02"; /* it had to be prepared anew */
    }
    if (m->status == 'E' && facts->columns > 0) {
        fail_batch(m, o, "25P02");
        return;
    }
    expect(o, 't')->columns = facts->params;
    describe_columns(o, facts);
}

static void step_describe_portal(struct model *m, const struct request *r, struct outcome *o)
{
    const struct portal_state *p = &m->portals[r->portal];
    const struct sql_facts *facts = sql_facts(p->sql.kind);

    if (m->status == 'E') {
        o->instead[0] = "34000"; /* an error of a cancel: before the portal was made, or behind */
        o->instead[1] = "25P02";
    }
    if (!p->exists) {
        o->may_be_empty = p->unsure ? 'n' : '\0';
        fail_batch(m, o, "34000");
    } else if (m->status == 'E' && facts->columns > 0) {
        fail_batch(m, o, "25P02");
    } else {
        describe_columns(o, facts);
    }
}

static void step_execute(struct model *m, const struct request *r, struct outcome *o)
{
    struct portal_state *p = &m->portals[r->portal];
    const struct sql_facts *facts = sql_facts(p->sql.kind);

    if (m->status == 'E') {
        o->instead[0] = "34000";
        o->instead[1] = "25P02";
    }
    if (!p->exists) {
        o->may_be_empty = p->unsure ? 'I' : '\0';
        fail_batch(m, o, "34000");
    } else if (p->sql.kind == SQL_EMPTY) {
        (void)expect(o, 'I');
    } else if (m->status == 'E' && (p->failed || !facts->ends_block)) {
        fail_batch(m, o, "25P02");
    } else if (p->done && facts->columns == 0) {
        fail_batch(m, o, "55000");
    } else if (!run(m, p, r->limit, o)) {
        m->skipping = true;
    } else if (p->exists) {
        p->done = p->done || facts->columns == 0;
        m->copy_extended = m->copying;
    }
}

static void step_extended(struct model *m, const struct request *r, struct outcome *o)
{
    switch ((enum request_type)r->type) {
    case REQUEST_PARSE:
        step_parse(m, r, o);
        break;
    case REQUEST_BIND:
        step_bind(m, r, o);
        break;
    case REQUEST_DESCRIBE_STATEMENT:
        step_describe_statement(m, r, o);
        break;
    case REQUEST_DESCRIBE_PORTAL:
        step_describe_portal(m, r, o);
        break;
    case REQUEST_EXECUTE:
        step_execute(m, r, o);
        break;
    case REQUEST_CLOSE_STATEMENT:
        m->statements[r->statement] = (struct statement_state){0};
        (void)expect(o, '3');
        break;
    case REQUEST_CLOSE_PORTAL:
        m->portals[r->portal] = (struct portal_state){0};
        (void)expect(o, '3');
        break;
    default:
        assert(false);
    }
}

/* ---- COPY ---- */

/* Behind an error of the copy. */
static void leave_copy(struct model *m, struct outcome *o)
{
    m->copying = false;
    if (m->copy_extended) {
        m->skipping = true;
    } else {
        ready(m, o);
    }
}

static void step_copy(struct model *m, const struct request *r, struct outcome *o)
{
    if (r->type == REQUEST_COPY_DATA && !r->broken) {
        m->copied++;
    } else if (r->type == REQUEST_COPY_DONE) {
        m->copying = false;
        complete(o, "COPY", m->copied);
        if (!m->copy_extended) {
            ready(m, o);
        }
    } else if (r->type == REQUEST_COPY_FAIL || r->type == REQUEST_COPY_DATA) {
        (void)fail(m, o, r->type == REQUEST_COPY_FAIL ? "57014" : "22P02");
        leave_copy(m, o);
    } else {
        assert(r->type == REQUEST_SYNC || r->type == REQUEST_FLUSH);
    }
}

/* ---- requests ---- */

bool model_step(struct model *m, const struct request *r, unsigned step, struct outcome *o)
{
    *o = (struct outcome){0};
    if (m->copying) {
        step_copy(m, r, o);
        return false;
    }
    if (r->type == REQUEST_SYNC) {
        m->skipping = false;
        ready(m, o);
        return false;
    }
    if (m->skipping || r->type == REQUEST_FLUSH || r->type >= REQUEST_COPY_DATA) {
        return false;
    }
    if (r->type == REQUEST_QUERY) {
        return step_query(m, r, step, o);
    }
    if (r->type == REQUEST_FUNCTION) {
        step_function(m, r, o);
    } else {
        step_extended(m, r, o);
    }
    return false;
}

void model_fail(struct model *m, const struct request *r, struct outcome *o)
{
    *o = (struct outcome){0};
    abort_block(m);
    if (m->copying) {
        leave_copy(m, o);
        return;
    }
    assert(r != NULL);
    if (r->type == REQUEST_PARSE && r->statement == 0) {
        m->statements[0] = (struct statement_state){0};
    }
    if (r->type == REQUEST_BIND && r->portal != 0 && m->status == 'E') {
        m->portals[r->portal].unsure = true;
    }
    if (r->type == REQUEST_QUERY || r->type == REQUEST_FUNCTION || r->type == REQUEST_SYNC) {
        ready(m, o);
    } else {
        m->skipping = true;
    }
}

void model_accept_parse(struct model *m, const struct request *r)
{
    define(m, r);
}
