// SPDX-License-Identifier: MIT
#include "script.h"

#include <assert.h>

#define BURST_MAX 120 /* requests after which a burst ends */

struct maker {
    struct script *script;
    struct rng *rng;
    bool must_be_cancellable;
    bool careful; /* the batch at hand is to succeed, as far as that can be known */
};

static uint32_t next_number(struct maker *mk)
{
    return ++mk->script->number;
}

static void push(struct maker *mk, struct request r)
{
    struct script *script = mk->script;
    struct outcome o;
    unsigned step = 0;

    assert(script->count < SCRIPT_MAX);
    r.gate = script->gate_next;
    script->gate_next = false;
    script->items[script->count++] = r;
    while (model_step(&script->ahead, &r, step, &o)) {
        step++;
    }
    script->open = r.type != REQUEST_SYNC && r.type != REQUEST_QUERY && r.type != REQUEST_FUNCTION;
}

static void push_type(struct maker *mk, enum request_type type)
{
    push(mk, (struct request){.type = (uint8_t)type});
}

static void flush(struct maker *mk, bool gate)
{
    push_type(mk, REQUEST_FLUSH);
    mk->script->gate_next = gate;
}

static void sync(struct maker *mk)
{
    push_type(mk, REQUEST_SYNC);
    mk->script->gate_next = rng_chance(mk->rng, 15);
}

/* ---- statements ---- */

static enum sql_kind pick(struct maker *mk, const uint8_t *kinds, uint32_t count)
{
    return kinds[rng_below(mk->rng, count)];
}

static struct sql make_sql(struct maker *mk, enum sql_kind kind)
{
    return (struct sql){
        .kind = (uint8_t)kind,
        .variant = (uint8_t)rng_below(mk->rng, 4),
        .target = (uint8_t)(1 + rng_below(mk->rng, STATEMENTS - 1)),
        .number = next_number(mk),
    };
}

/* A kind that leads out of the state of the transaction, now and then. */
static enum sql_kind steer(struct maker *mk, enum sql_kind kind)
{
    char status = mk->script->ahead.status;

    if (status == 'E' && rng_chance(mk->rng, 60)) {
        return rng_chance(mk->rng, 70) ? SQL_ROLLBACK : SQL_COMMIT;
    }
    if (status == 'T' && rng_chance(mk->rng, 20)) {
        return rng_chance(mk->rng, 30) ? SQL_ROLLBACK : SQL_COMMIT;
    }
    return kind;
}

static bool always_fails(enum sql_kind kind)
{
    return kind == SQL_LATE_ERROR || kind == SQL_ZERO || kind == SQL_SYNTAX || kind == SQL_NO_TABLE;
}

static struct sql any_sql(struct maker *mk, bool simple)
{
    static const uint8_t kinds[] = {
        SQL_ECHO,   SQL_ECHO,   SQL_ECHO,       SQL_LITERAL, SQL_LITERAL, SQL_SERIES,
        SQL_SERIES, SQL_SERIES, SQL_LATE_ERROR, SQL_LARGE,   SQL_DO,      SQL_NOTICE,
        SQL_BEGIN,  SQL_BEGIN,  SQL_BEGIN,      SQL_COMMIT,  SQL_ZERO,    SQL_SET,
        SQL_SYNTAX, SQL_SLEEP,  SQL_NO_TABLE,   SQL_EMPTY,   SQL_COPY_OUT};
    enum sql_kind kind = steer(mk, pick(mk, kinds, sizeof kinds));

    if (!simple && (kind == SQL_LARGE || kind == SQL_SLEEP) && rng_chance(mk->rng, 70)) {
        kind = SQL_ECHO;
    }
    if (mk->careful && always_fails(kind)) {
        kind = SQL_SERIES;
    }
    return make_sql(mk, kind);
}

/* ---- simple queries ---- */

static void push_query(struct maker *mk, const struct sql *sql, unsigned count)
{
    struct request r = {.type = REQUEST_QUERY, .count = (uint8_t)count};

    for (unsigned i = 0; i < count; i++) {
        r.sql[i] = sql[i];
    }
    push(mk, r);
}

static void simple(struct maker *mk)
{
    struct sql sql[QUERY_STATEMENTS];
    unsigned count = rng_chance(mk->rng, 70) ? 1 : 2 + rng_below(mk->rng, QUERY_STATEMENTS - 1);

    for (unsigned i = 0; i < count; i++) {
        sql[i] = any_sql(mk, true);
        if (count > 1 && (sql[i].kind == SQL_EMPTY || sql[i].kind == SQL_COPY_OUT)) {
            sql[i].kind = SQL_LITERAL;
        }
    }
    push_query(mk, sql, count);
}

static void forget_statements(struct maker *mk)
{
    static const uint8_t kinds[] = {SQL_DEALLOCATE, SQL_DEALLOCATE, SQL_DEALLOCATE, SQL_DISCARD_ALL,
                                    SQL_DEALLOCATE_ALL};
    struct sql sql = make_sql(mk, pick(mk, kinds, sizeof kinds));

    push_query(mk, &sql, 1);
}

/* ---- extended queries ---- */

static void parse(struct maker *mk, unsigned statement, struct sql sql)
{
    push(mk,
         (struct request){.type = REQUEST_PARSE, .statement = (uint8_t)statement, .sql = {sql}});
}

static void bind(struct maker *mk, unsigned statement, unsigned portal)
{
    const struct statement_state *s = &mk->script->ahead.statements[statement];
    unsigned count = s->defined ? sql_facts(s->sql.kind)->params : 0;

    if (!mk->careful && rng_once_in(mk->rng, 50)) {
        count = count == 0 ? 1 : 0; /* which the server refuses */
    }
    push(mk, (struct request){.type = REQUEST_BIND,
                              .count = (uint8_t)count,
                              .statement = (uint8_t)statement,
                              .portal = (uint8_t)portal,
                              .number = next_number(mk)});
}

static void on_portal(struct maker *mk, enum request_type type, unsigned portal)
{
    push(mk, (struct request){
                 .type = (uint8_t)type,
                 .portal = (uint8_t)portal,
                 .limit = rng_chance(mk->rng, 50) ? 0 : (uint8_t)(1 + rng_below(mk->rng, 4))});
}

static void on_statement(struct maker *mk, enum request_type type, unsigned statement)
{
    push(mk, (struct request){.type = (uint8_t)type, .statement = (uint8_t)statement});
}

static unsigned any_name(struct maker *mk)
{
    return 1 + rng_below(mk->rng, STATEMENTS - 1);
}

/* One that can be used. */
static unsigned good_name(struct maker *mk)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned name = any_name(mk);
        const struct statement_state *s = &mk->script->ahead.statements[name];
        if (s->defined && !always_fails(s->sql.kind)) {
            return name;
        }
    }
    return any_name(mk);
}

/* A portal made and used. The statement that always fails at Bind goes to the unnamed portal: a
 * named one would be left half made. */
static void use(struct maker *mk, unsigned statement)
{
    bool fails = mk->script->ahead.statements[statement].sql.kind == SQL_ZERO;
    unsigned portal = fails || rng_chance(mk->rng, 70) ? 0 : 1 + rng_below(mk->rng, PORTALS - 1);

    if (portal != 0 && (mk->careful || rng_chance(mk->rng, 60))) {
        on_portal(mk, REQUEST_CLOSE_PORTAL, portal);
    }
    bind(mk, statement, portal);
    if (rng_chance(mk->rng, 40)) {
        on_portal(mk, REQUEST_DESCRIBE_PORTAL, portal);
    }
    bool again = sql_facts(mk->script->ahead.statements[statement].sql.kind)->columns > 0;
    for (uint32_t n = rng_below(mk->rng, 3); n <= 2; n++) {
        if (n == 2 || again || !mk->careful) {
            on_portal(mk, REQUEST_EXECUTE, portal);
        }
        if (rng_chance(mk->rng, 10)) {
            flush(mk, rng_chance(mk->rng, 50));
        }
    }
}

static void parse_and_use(struct maker *mk)
{
    unsigned statement = rng_chance(mk->rng, 30) ? 0 : any_name(mk);
    bool known = statement != 0 && mk->script->ahead.statements[statement].defined;

    if (known && rng_chance(mk->rng, 20)) {
        on_statement(mk, REQUEST_CLOSE_STATEMENT, statement);
        known = false;
    }
    if (!known || (!mk->careful && rng_chance(mk->rng, 10))) {
        parse(mk, statement, any_sql(mk, false));
        if (rng_chance(mk->rng, 40)) {
            on_statement(mk, REQUEST_DESCRIBE_STATEMENT, statement);
        }
    }
    if (rng_chance(mk->rng, 90)) {
        use(mk, statement);
    }
}

/* What the unnamed statement was parsed for a batch ago is still there within a transaction. (A
 * DEALLOCATE is not executed twice: a pooler has put another in its place.) */
static void use_unnamed(struct maker *mk)
{
    const struct statement_state *unnamed = &mk->script->ahead.statements[0];

    if (unnamed->defined && !unnamed->unsure && unnamed->sql.kind != SQL_COPY_IN &&
        unnamed->sql.kind != SQL_DEALLOCATE && mk->script->ahead.status == 'T') {
        use(mk, 0);
    }
}

static void deallocate_extended(struct maker *mk)
{
    parse(mk, 0, make_sql(mk, rng_chance(mk->rng, 75) ? SQL_DEALLOCATE : SQL_DEALLOCATE_ALL));
    bind(mk, 0, 0);
    on_portal(mk, REQUEST_EXECUTE, 0);
}

static void any_extended(struct maker *mk)
{
    uint32_t dice = rng_below(mk->rng, mk->careful ? 88 : 100);

    if (dice < 55) {
        parse_and_use(mk);
    } else if (dice < 80) {
        use(mk, mk->careful ? good_name(mk) : any_name(mk));
    } else if (dice < 84) {
        on_statement(mk, REQUEST_CLOSE_STATEMENT, any_name(mk));
    } else if (dice < 88) {
        on_statement(mk, REQUEST_DESCRIBE_STATEMENT, mk->careful ? good_name(mk) : any_name(mk));
    } else if (dice < 91) {
        on_portal(mk, REQUEST_EXECUTE, 1 + rng_below(mk->rng, PORTALS - 1));
    } else if (dice < 93) {
        on_portal(mk, REQUEST_DESCRIBE_PORTAL, 1 + rng_below(mk->rng, PORTALS - 1));
    } else if (dice < 95) {
        parse(mk, any_name(mk), any_sql(mk, false));
    } else if (dice < 97) {
        deallocate_extended(mk);
    } else {
        flush(mk, rng_chance(mk->rng, 50));
    }
}

/* A batch that ends with Sync, now and then with a Query, or not at all yet. */
static void extended(struct maker *mk)
{
    for (uint32_t n = rng_below(mk->rng, 5); n <= 4; n++) {
        any_extended(mk);
    }
    uint32_t dice = rng_below(mk->rng, 100);
    if (dice < 5) {
        flush(mk, true);
    } else if (dice < 8) {
        simple(mk);
    } else {
        sync(mk);
    }
}

/* ---- COPY from the client ---- */

static void copy_rows(struct maker *mk)
{
    uint32_t rows = rng_below(mk->rng, 5);

    for (uint32_t i = 0; i < rows; i++) {
        push(mk, (struct request){.type = REQUEST_COPY_DATA,
                                  .broken = rng_once_in(mk->rng, 20),
                                  .number = next_number(mk)});
    }
    push_type(mk, rng_chance(mk->rng, 85) ? REQUEST_COPY_DONE : REQUEST_COPY_FAIL);
}

static void copy_simple(struct maker *mk)
{
    struct sql sql = make_sql(mk, SQL_COPY_IN);

    push_query(mk, &sql, 1);
    mk->script->gate_next = rng_chance(mk->rng, 50);
    copy_rows(mk);
    mk->script->open = false;
}

/* libpq sends a Sync at once, which the server passes over, and another behind the copy. */
static void copy_extended(struct maker *mk)
{
    bool as_libpq = !mk->must_be_cancellable && rng_chance(mk->rng, 50);

    parse(mk, 0, make_sql(mk, SQL_COPY_IN));
    bind(mk, 0, 0);
    push(mk, (struct request){.type = REQUEST_EXECUTE});
    if (as_libpq) {
        mk->script->cancellable = false;
        push_type(mk, REQUEST_SYNC);
    }
    mk->script->gate_next = as_libpq || rng_chance(mk->rng, 50);
    copy_rows(mk);
    sync(mk);
}

/* ---- bursts ---- */

static void any_batch(struct maker *mk)
{
    uint32_t dice = rng_below(mk->rng, 100);

    mk->careful = rng_chance(mk->rng, 65);
    if (dice < 25) {
        simple(mk);
    } else if (dice < 86) {
        extended(mk);
    } else if (dice < 90) {
        forget_statements(mk);
    } else if (dice < 92) {
        push(mk, (struct request){.type = REQUEST_FUNCTION, .number = next_number(mk)});
    } else if (dice < 94) {
        sync(mk);
    } else if (dice < 97) {
        copy_simple(mk);
    } else {
        copy_extended(mk);
    }
}

void script_make(struct script *script, struct rng *rng, const struct model *now, bool quiet)
{
    struct maker mk = {.script = script, .rng = rng, .must_be_cancellable = script->cancellable};
    uint32_t batches = rng_chance(rng, 60) ? 1 : 1 + rng_below(rng, 8);

    script->count = script->at = 0;
    script->cancellable = true;
    if (quiet) {
        script->ahead = *now;
        if (rng_chance(rng, 30)) {
            use_unnamed(&mk);
        }
    }
    for (uint32_t i = 0; i < batches && script->count < BURST_MAX; i++) {
        any_batch(&mk);
    }
    if (script->open && rng_chance(rng, 90)) {
        sync(&mk);
    } else if (script->open) {
        flush(&mk, true);
    }
}
