// SPDX-License-Identifier: MIT
#include "proxy/timeouts.h"

#include "wire/error.h"
#include "wire/types.h"

static const struct tenant_timeouts *limits(const struct frontend *f)
{
    return &f->tenant->timeouts;
}

static void arm(struct frontend *f, struct deadline *deadline, int64_t ms,
                void (*cb)(struct deadline *deadline))
{
    deadline_arm(&f->proxy->loop->deadlines, deadline, (uint64_t)ms, cb);
}

/* ---- waiting ---- */

static void on_query_wait(struct deadline *deadline)
{
    struct frontend *f = container_of(deadline, struct frontend, deadline);
    struct err err;

    lane_withdraw(&f->request);
    (void)err_set(&err, ERR_CANCELLED,
                  "query_wait_timeout: no server connection came free in time");
    err_hint(&err, "The pool is busy: see SHOW POOLS, or raise pool.size or timeouts.query_wait.");
    frontend_fail_batch(f, &err);
}

/* The client learns why nothing happens; then goes on waiting for what is left of its time. */
static void on_notice(struct deadline *deadline)
{
    struct frontend *f = container_of(deadline, struct frontend, deadline);
    int64_t most = limits(f)->query_wait;
    struct buf out = {0};
    struct err err;

    (void)err_set(&err, ERR_NOTICE,
                  "No server connection available in postgres backend, client being queued");
    error_build(&out, WIRE_NOTICE, "NOTICE", &err);
    (void)conn_send_slice(&f->conn, buf_slice(&out));
    buf_release(&out);
    arm(f, deadline, most == 0 ? 0 : most - TIMEOUT_NOTICE, on_query_wait);
}

void timeouts_waiting(struct frontend *f)
{
    int64_t most = limits(f)->query_wait;

    if (!f->greeted) {
        return;
    }
    if (most != 0 && most <= TIMEOUT_NOTICE) {
        arm(f, &f->deadline, most, on_query_wait);
    } else {
        arm(f, &f->deadline, TIMEOUT_NOTICE, on_notice);
    }
}

/* ---- linked ---- */

/* The times that are shown are those that are bounded. */
static void count_busy(struct frontend *f)
{
    if (f->busy_at != 0) {
        lane_note_time(f->request.lane, TIME_QUERY, loop_now(f->proxy->loop) - f->busy_at);
        f->busy_at = 0;
    }
}

static void count_transaction(struct frontend *f)
{
    if (f->begun_at != 0) {
        lane_note_time(f->request.lane, TIME_TRANSACTION, loop_now(f->proxy->loop) - f->begun_at);
        f->begun_at = 0;
    }
}

static void close_with(struct frontend *f, int code, const char *text, const char *key)
{
    struct err err;

    (void)err_set(&err, code, "%s (timeouts.%s of tenant \"%s\")", text, key,
                  frontend_account(f)->name);
    frontend_close(f, &err);
}

static void on_query(struct deadline *deadline)
{
    close_with(container_of(deadline, struct frontend, deadline), ERR_CANCELLED, "query timeout",
               "query");
}

static void on_transaction(struct deadline *deadline)
{
    close_with(container_of(deadline, struct frontend, transaction_deadline),
               ERR_TRANSACTION_TIMEOUT, "transaction timeout", "transaction");
}

static void on_idle_transaction(struct deadline *deadline)
{
    close_with(container_of(deadline, struct frontend, deadline), ERR_IDLE_TRANSACTION,
               "idle transaction timeout", "idle_transaction");
}

static void on_client_idle(struct deadline *deadline)
{
    close_with(container_of(deadline, struct frontend, deadline), ERR_IDLE_SESSION,
               "client_idle_timeout", "client_idle");
}

void timeouts_busy(struct frontend *f)
{
    f->thinking = false;
    if (f->greeted) {
        f->busy_at = loop_now(f->proxy->loop);
        arm(f, &f->deadline, limits(f)->query, on_query);
    }
}

void timeouts_linked(struct frontend *f)
{
    timeouts_busy(f);
    if (f->greeted) {
        f->begun_at = loop_now(f->proxy->loop);
        arm(f, &f->transaction_deadline, limits(f)->transaction, on_transaction);
    }
}

void timeouts_in_transaction(struct frontend *f)
{
    count_busy(f);
    f->thinking = true;
    arm(f, &f->deadline, limits(f)->idle_transaction, on_idle_transaction);
}

void timeouts_at_rest(struct frontend *f)
{
    count_busy(f);
    count_transaction(f);
    f->thinking = true;
    deadline_disarm(&f->transaction_deadline);
    if (f->greeted) {
        arm(f, &f->deadline, limits(f)->client_idle, on_client_idle);
    }
}
