// SPDX-License-Identifier: MIT
//
// probe: a backend without a socket, to walk over what a server says; its user writes down what it
// is told. Shared by the tests of replies.
#ifndef TEST_POOL_PROBE_H
#define TEST_POOL_PROBE_H

#include <string.h>

#include "pool/replies.h"
#include "script.h"
#include "testing.h"

/* A backend without a socket, whose user writes down what it is told. */
struct probe {
    struct backend backend;
    struct context_table contexts;
    struct buf in;        /* what replies_walk left for the next time */
    struct buf forwarded; /* all bytes that the user got */
    struct buf reports;   /* "name=value;" */
    struct buf entries;   /* "answered;" or "dropped;" and the note */
    int runs;             /* calls of on_bytes */
    int deallocated;
    uint32_t stale;
    bool again; /* the user sends again what was stale */
    bool full;  /* the user takes no more */
    bool tells; /* the user tells reports in its own words */
    struct err err;
    int reported; /* times that on_reported came */
};

static inline bool on_bytes(void *user, struct slice bytes)
{
    struct probe *p = user;

    p->runs++;
    buf_append_slice(&p->forwarded, bytes);
    return p->full;
}

static inline bool on_report(void *user, struct slice name, struct slice value)
{
    struct probe *p = user;

    buf_printf(&p->reports, "%.*s=%.*s;", (int)name.n, (const char *)name.p, (int)value.n,
               (const char *)value.p);
    return !p->tells;
}

static inline void on_entry(void *user, const struct ledger_entry *entry, bool answered)
{
    struct probe *p = user;

    buf_printf(&p->entries, "%s %s;", answered ? "answered" : "dropped", (const char *)entry->note);
}

static inline void on_deallocated(void *user, bool all)
{
    ((struct probe *)user)->deallocated += all ? 100 : 1;
}

static inline bool on_stale_statement(void *user, uint32_t number)
{
    struct probe *p = user;

    p->stale = number;
    return p->again;
}

static inline void on_reported(void *user)
{
    ((struct probe *)user)->reported++;
}

static const struct backend_user_ops user_ops = {
    .on_reported = on_reported,
    .on_bytes = on_bytes,
    .on_report = on_report,
    .on_entry = on_entry,
    .on_deallocated = on_deallocated,
    .on_stale_statement = on_stale_statement,
};

static inline void begin(struct probe *p)
{
    *p = (struct probe){0};
    context_table_init(&p->contexts);
    p->backend.state = BACKEND_LINKED;
    p->backend.user = p;
    p->backend.user_ops = &user_ops;
    p->backend.contexts = &p->contexts;
    p->backend.status = 'I';
    ledger_init(&p->backend.ledger);
    prepared_init(&p->backend.statements);
}

static inline void end(struct probe *p)
{
    struct backend *b = &p->backend;

    context_unref(&p->contexts, b->context);
    context_unref(&p->contexts, b->next_context);
    ledger_fini(&b->ledger);
    prepared_clear(&b->statements);
    context_table_fini(&p->contexts);
    parameters_release(&b->parameters);
    buf_release(&p->in);
    buf_release(&p->forwarded);
    buf_release(&p->reports);
    buf_release(&p->entries);
}

static inline struct ledger_entry *owe(struct probe *p, enum ledger_kind kind,
                                       enum ledger_action action)
{
    return ledger_push(&p->backend.ledger, kind, action);
}

/* What a client sent, by its letters; 'c' and 'f' end a copy. */
static inline void sent(struct probe *p, const char *letters)
{
    static const char letter[] = "?QFSPBDECc";

    for (const char *at = letters; *at != '\0'; at++) {
        const char *kind = strchr(letter, *at == 'f' ? 'c' : *at);
        ck_assert_ptr_nonnull(kind);
        (void)owe(p, (enum ledger_kind)(kind - letter), LEDGER_FORWARD);
    }
}

/* Our switch, which so many answers end. */
static inline void switch_sent(struct probe *p, uint32_t completes)
{
    struct context_setting setting = {slice_str("app.tenant"), slice_str("acme"), true};

    owe(p, LEDGER_SWITCH, LEDGER_SWALLOW)->arg = completes;
    p->backend.next_context = context_intern(&p->contexts, p, &setting, 1);
}

/* One read: what was left of the time before, and these bytes. */
static inline ptrdiff_t read_bytes(struct probe *p, struct slice bytes)
{
    buf_append_slice(&p->in, bytes);
    ptrdiff_t done = replies_walk(&p->backend, buf_slice(&p->in), &p->err);
    if (done > 0) {
        buf_consume(&p->in, (size_t)done);
    }
    return done;
}

static inline ptrdiff_t answered(struct probe *p, const char *letters)
{
    struct buf bytes = {0};

    script_server(&bytes, letters);
    ptrdiff_t done = read_bytes(p, buf_slice(&bytes));
    buf_release(&bytes);
    return done;
}

/* The user got exactly the messages of these letters. */
static inline void assert_forwarded(const struct probe *p, const char *letters)
{
    struct buf should = {0};

    script_server(&should, letters);
    ck_assert_msg(slice_eq(buf_slice(&p->forwarded), buf_slice(&should)),
                  "other bytes than \"%s\" were forwarded", letters);
    buf_release(&should);
}

#endif
