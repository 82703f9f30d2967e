// SPDX-License-Identifier: MIT
#include "proxy/news.h"

#include "proxy/follow.h"
#include "proxy/note.h"
#include "proxy/relay.h"
#include "proxy/rewrite.h"
#include "proxy/tamper.h"
#include "proxy/timeouts.h"
#include "proxy/trace.h"

/* How long batches are kept until they are answered, once a statement was stale. */
#define STALE_WATCH 600000 /* ms */

static bool on_bytes(void *user, struct slice bytes)
{
    struct frontend *f = user;

    if ((f->kept & KEPT_FOR_ANSWER) != 0) {
        f->kept &= (uint8_t)~KEPT_FOR_ANSWER;
        f->backend->switched = true; /* on_switched comes once these bytes are walked */
    }
    return frontend_send(f, bytes);
}

static bool on_report(void *user, struct slice name, struct slice value)
{
    return follow_report(user, name, value);
}

static void on_reported(void *user)
{
    follow_reported(user);
}

static void on_entry(void *user, const struct ledger_entry *entry, bool answered)
{
    note_on_entry(user, entry, answered);
}

static void on_deallocated(void *user, bool all)
{
    rewrite_on_deallocated(user, all);
}

static bool on_stale_statement(void *user, uint32_t number)
{
    struct frontend *f = user;

    statements_renew(&f->proxy->statements, number);
    f->request.lane->pool->stale_until = loop_now(f->proxy->loop) + STALE_WATCH;
    return (f->kept & KEPT_FOR_ANSWER) != 0;
}

/* Its statements are prepared anew this time. */
static void on_again(void *user)
{
    struct frontend *f = user;

    f->kept = 0;
    f->armed = 0;
    f->holding = false;
    relay_continue(f);
}

static void note_switched(struct frontend *f)
{
    f->kept &= (uint8_t)~KEPT_FOR_SWITCH;
    f->retried = false;
    if (f->busy_at != 0) {
        lane_note_time(f->request.lane, TIME_SWITCH, loop_now(f->proxy->loop) - f->busy_at);
    }
    if (trace_on(f)) {
        trace_switched(f);
    }
}

/* Whether what is kept for its answer may still have to go out again. */
static bool is_in_doubt(const struct frontend *f)
{
    struct ledger_entry *head = ledger_head(&f->backend->ledger);

    return (f->kept & KEPT_FOR_ANSWER) != 0 &&
           (f->backend->healing || (head != NULL && ledger_may_be_stale(head)));
}

static void on_switched(void *user)
{
    struct frontend *f = user;

    if (!f->greeted || (f->kept & KEPT_FOR_SWITCH) != 0) {
        note_switched(f);
    }
    if (is_in_doubt(f)) {
        return;
    }
    f->kept = 0;
    f->holding = false;
    buf_consume(&f->in, f->armed);
    f->armed = 0;
    if (buf_size(&f->in) == 0) {
        buf_release(&f->in);
    }
    if (f->greeted) {
        relay_continue(f);
    }
}

/* As PgBouncer does it: the statement that began the transaction was executed and answered. */
static void refuse_transaction(struct frontend *f)
{
    struct err err;

    (void)err_set(&err, ERR_PROTOCOL, "transaction blocks not allowed in statement pooling mode");
    frontend_close(f, &err);
}

static void on_rest(void *user)
{
    struct frontend *f = user;

    if (f->tenant->pool.mode == POOL_STATEMENT && !f->replicates) {
        refuse_transaction(f);
    } else {
        timeouts_in_transaction(f);
    }
}

static void on_settled(void *user)
{
    relay_release_if_settled(user);
}

static void on_answered(void *user)
{
    relay_continue(user);
}

static void on_drained(void *user)
{
    relay_continue(user);
}

/* The link is gone without our doing. */
static void forget_link(struct frontend *f)
{
    relay_forget_link(f);
    pool_lost(&f->request);
}

/* Nothing of the batch was executed, and all of it is kept: it may go out again, once. */
static void on_switch_failed(void *user, const struct err *err)
{
    struct frontend *f = user;

    forget_link(f);
    if (f->retried) {
        f->retried = false;
        frontend_fail_batch(f, err);
        return;
    }
    f->retried = true;
    if (f->greeted) {
        relay_continue(f);
    } else {
        relay_prove(f);
    }
}

/* In the middle of a message to the client nothing can be said any more. */
static void on_lost(void *user, const struct err *err)
{
    struct frontend *f = user;
    bool within_message = f->backend->body_left > 0 && f->backend->body_forward;

    forget_link(f);
    frontend_close(f, within_message ? NULL : err);
}

static void on_notice(void *user, struct slice sqlstate)
{
    tamper_on_notice(user, sqlstate);
}

const struct backend_user_ops news_ops = {
    .on_bytes = on_bytes,
    .on_report = on_report,
    .on_reported = on_reported,
    .on_entry = on_entry,
    .on_deallocated = on_deallocated,
    .on_stale_statement = on_stale_statement,
    .on_again = on_again,
    .on_switched = on_switched,
    .on_rest = on_rest,
    .on_settled = on_settled,
    .on_answered = on_answered,
    .on_drained = on_drained,
    .on_switch_failed = on_switch_failed,
    .on_lost = on_lost,
    .on_notice = on_notice,
};
