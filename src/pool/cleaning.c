// SPDX-License-Identifier: MIT
#include "pool/cleaning.h"

#include <stdlib.h>
#include <strings.h>

#include "pool/backend_inner.h"
#include "wire/build.h"

/* How long a connection may take to get over what its last user left behind. */
#define CLEANING_BUDGET 5000 /* ms */

static struct deadlines *deadlines(struct backend *b)
{
    return &b->conn.loop->deadlines;
}

void cleaning_drop(struct backend *b)
{
    free(b->reset_query);
    b->reset_query = NULL;
    b->resetting = false;
}

static void send_query(struct backend *b, const char *sql)
{
    struct buf out = {0};

    build_query(&out, sql);
    struct slice bytes = buf_slice(&out);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
    (void)ledger_push(&b->ledger, LEDGER_QUERY, LEDGER_SWALLOW);
    b->cleaning_failed = false;
    (void)backend_send(b, &piece, 1); /* a failed socket is found by the next read */
    buf_release(&out);
}

/* After DISCARD ALL nothing of anybody is left in the session, though in its process there may be.
 * Of another reset query we cannot tell what it left. */
static void forget_context(struct backend *b, bool discarded_all)
{
    b->prepared = 0;
    prepared_clear(&b->statements);
    b->scrubbed = discarded_all;
    b->context_unknown = !discarded_all;
    b->fixed_unknown = false;
}

/* One step of cleaning: called when nothing is owed. Rolls back, then resets, then is done. */
static void go_on_cleaning(struct backend *b)
{
    if (b->status != 'I') {
        send_query(b, "ROLLBACK");
        return;
    }
    if (b->reset_query != NULL && !b->resetting) {
        b->resetting = true;
        send_query(b, b->reset_query);
        return;
    }
    if (b->resetting) {
        forget_context(b, strcasecmp(b->reset_query, "DISCARD ALL") == 0);
        cleaning_drop(b);
    }
    backend_settle_down(b);
}

void cleaning_go_on(struct backend *b)
{
    struct err err;

    if (!b->synced || !ledger_empty(&b->ledger) || b->body_left > 0) {
        return;
    }
    if (b->cleaning_failed && b->resetting) {
        (void)err_set(&err, ERR_CONNECTION, "the reset query failed on a server connection");
        backend_fail(b, &err);
        return;
    }
    go_on_cleaning(b);
}

void cleaning_begin(struct backend *b)
{
    static const uint8_t sync[] = {WIRE_SYNC, 0, 0, 0, 4};
    bool running = !ledger_empty(&b->ledger);

    deadline_arm(deadlines(b), &b->deadline, CLEANING_BUDGET, backend_on_timeout);
    for (uint32_t i = 0; i < b->ledger.count; i++) {
        struct ledger_entry *entry = ledger_at(&b->ledger, i);
        entry->action = entry->action == LEDGER_MAKE_UP ? LEDGER_MAKE_UP : LEDGER_SWALLOW;
    }
    b->body_forward = false;
    if (running) {
        b->owner_ops->on_abandoned(b);
    }
    if (b->state != BACKEND_CLEANING) {
        return;
    }
    if (!b->synced && !ledger_ends_batch(&b->ledger)) {
        struct iovec piece = {.iov_base = (void *)(uintptr_t)sync, .iov_len = sizeof sync};
        (void)ledger_push(&b->ledger, LEDGER_SYNC, LEDGER_SWALLOW);
        (void)backend_send(b, &piece, 1);
        return;
    }
    cleaning_go_on(b);
}

void cleaning_run(struct backend *b, const char *sql)
{
    deadline_arm(deadlines(b), &b->deadline, CLEANING_BUDGET, backend_on_timeout);
    send_query(b, sql);
}
