// SPDX-License-Identifier: MIT
#include "proxy/relay.h"

#include <assert.h>

#include "proxy/arming.h"
#include "proxy/barrier.h"
#include "proxy/message.h"
#include "proxy/news.h"
#include "proxy/passage.h"
#include "proxy/relocate.h"
#include "proxy/skip.h"
#include "proxy/timeouts.h"
#include "proxy/trace.h"
#include "wire/build.h"
#include "wire/frame.h"

/* Whether what was not taken must wait for something else than the client's next bytes. */
static bool must_wait(const struct frontend *f)
{
    return f->state == FRONTEND_WAITING ||
           (f->state == FRONTEND_LINKED &&
            (f->holding || f->backend->awaited || conn_blocked(&f->backend->conn)));
}

/* Sends on what can be; what must be treated apart is, once all before it has gone. */
static size_t pass(struct frontend *f, struct slice rest)
{
    struct passage p = {.view = rest};
    enum frame_result result;
    struct frame frame = {0};

    buf_clear(&f->proxy->assembly);
    passage_walk(f, &p, &result, &frame);
    if (p.at > 0 || buf_size(&f->proxy->assembly) > 0) {
        passage_send(f, &p);
        return p.at;
    }
    if (result == FRAME_SHORT) {
        return 0;
    }
    if (result == FRAME_OK && message_classify(frame.type) == CLASS_TERMINATE) {
        frontend_close(f, NULL);
        return 0;
    }
    if (result == FRAME_OK && message_classify(frame.type) == CLASS_COPY) {
        return skip_drop(f, rest, &frame, false);
    }
    return skip_refuse(f, result, frame.type);
}

static void take_link(struct frontend *f, struct backend *b)
{
    f->backend = b;
    frontend_stats(f)->assignments++;
    backend_link(b, &news_ops, f);
    frontend_move(f, FRONTEND_LINKED);
    timeouts_linked(f);
    if (trace_on(f)) {
        trace_linked(f);
    }
}

/* A statement of the pool was stale lately, and here is a whole batch that begins with one: it is
 * kept until it is answered. */
static bool may_be_stale(const struct frontend *f, struct slice rest)
{
    return f->request.lane->pool->stale_until > loop_now(f->proxy->loop) &&
           (rest.p[0] == WIRE_BIND || rest.p[0] == WIRE_DESCRIBE) && message_batch_size(rest) > 0;
}

/* The first bytes on a new link. */
static size_t first_batch(struct frontend *f, struct slice rest)
{
    struct backend *b = f->backend;
    bool needed = arming_needed(f);
    uint32_t completes = needed ? arming_build(f, false) : 0;

    b->last_user = f->id;
    if (completes > 0) {
        arming_send(f, completes, rest, false);
        return 0;
    }
    if (needed) {
        backend_set_context(b, f->request.context);
    }
    return may_be_stale(f, rest) ? arming_keep(f, rest) : pass(f, rest);
}

/* The client speaks again: in a transaction that goes on, or, in session mode, one that begins. */
static void wake(struct frontend *f)
{
    if (backend_settled(f->backend)) {
        timeouts_linked(f);
    } else {
        timeouts_busy(f);
    }
}

/* Whether the client may go on behind a barrier on the connection that it has: one that is at rest
 * will be released first. */
static bool is_past(const struct frontend *f)
{
    return ledger_empty(&f->backend->ledger) &&
           (frontend_session_mode(f) || !backend_settled(f->backend));
}

/* A message while linked. In session mode nothing is linked anew, so the tenant's own settings are
 * asserted ahead of a batch outside a transaction when something may have changed them. */
static size_t pass_linked(struct frontend *f, struct slice rest)
{
    struct backend *b = f->backend;

    if (f->thinking) {
        wake(f);
    }
    if (f->barrier == BARRIER_UP && f->body_left == 0) {
        b->awaited = !is_past(f);
        if (b->awaited) {
            return 0;
        }
        f->barrier = BARRIER_NONE;
    }
    if (b->fixed_unknown && frontend_session_mode(f) && f->body_left == 0 && backend_settled(b)) {
        uint32_t completes = arming_build(f, true);
        b->fixed_unknown = false;
        if (completes > 0) {
            arming_send(f, completes, rest, true);
            return 0;
        }
    }
    return pass(f, rest);
}

/* ---- asking for a connection ---- */

static int check_waiting(const struct frontend *f, struct err *err)
{
    int most = f->tenant->limits.waiting;

    if (most > 0 && atomic_load(&frontend_account(f)->quota->waiting) >= (uint32_t)most) {
        return err_set(err, ERR_TOO_MANY,
                       "too many clients of tenant \"%s\" are waiting (limits.waiting)",
                       frontend_account(f)->name);
    }
    return 0;
}

/* Returns 1 linked, 0 waiting, or a negative code with err set. */
static int ask(struct frontend *f, struct err *err)
{
    struct backend *b = NULL;
    int rc = check_waiting(f, err);

    rc = rc < 0 ? rc : pool_acquire(&f->request, &b, err);
    if (rc > 0) {
        take_link(f, b);
    } else if (rc == 0) {
        frontend_move(f, FRONTEND_WAITING);
        timeouts_waiting(f);
    }
    return rc;
}

static void start_skipping(struct frontend *f, const struct err *err)
{
    frontend_tell_error(f, err);
    f->skip = SKIP_BATCH;
}

/* The first message of an unlinked client. */
static size_t begin(struct frontend *f, struct slice rest)
{
    struct frame frame = {0};
    enum frame_result result = frontend_peek(f, rest, &frame);

    if (result == FRAME_SHORT) {
        return 0;
    }
    enum message_class class = result == FRAME_OK ? message_classify(frame.type) : CLASS_UNKNOWN;
    switch (class) {
    case CLASS_UNKNOWN:
        return skip_refuse(f, result, frame.type);
    case CLASS_TERMINATE:
        frontend_close(f, NULL);
        return 0;
    case CLASS_COPY:
        return skip_drop(f, rest, &frame, false);
    case CLASS_REQUEST:
        break;
    }
    if (frame.type == WIRE_FLUSH) { /* nothing is owed: a server would not even answer */
        return skip_drop(f, rest, &frame, false);
    }
    f->request_at = loop_now(f->proxy->loop);
    f->spoken = true;
    struct err err;
    err_clear(&err);
    int rc = ask(f, &err);
    if (rc < 0) {
        start_skipping(f, &err);
        return skip_message(f, rest);
    }
    return rc == 0 ? 0 : first_batch(f, rest);
}

static size_t step(struct frontend *f, struct slice rest)
{
    if (f->dropping) {
        return skip_body(f, rest);
    }
    if (must_wait(f)) {
        return 0;
    }
    if (frontend_stale(f) && relocate_due(f)) {
        return 0;
    }
    if (f->state == FRONTEND_LINKED) {
        return pass_linked(f, rest);
    }
    return f->skip != SKIP_NOTHING ? skip_message(f, rest) : begin(f, rest);
}

size_t relay_up(struct frontend *f, struct slice view)
{
    size_t at = 0;

    while (at < view.n && f->state != FRONTEND_CLOSED) {
        size_t n = step(f, slice_from(view, at));
        if (n == 0) {
            break;
        }
        at += n;
    }
    if (at < view.n && f->state != FRONTEND_CLOSED && must_wait(f)) {
        conn_pause(&f->conn);
    }
    return at;
}

void relay_continue(struct frontend *f)
{
    struct slice view = buf_slice(&f->in);

    if (f->state == FRONTEND_CLOSED || must_wait(f)) {
        return;
    }
    size_t done = relay_up(f, view);
    if (f->state == FRONTEND_CLOSED) {
        return;
    }
    conn_keep(&f->in, view, done);
    if (frontend_stale(f) && relocate_due(f)) {
        relocate(f);
    } else if (!must_wait(f)) {
        conn_resume(&f->conn);
    }
}

/* ---- letting go ---- */

void relay_forget_link(struct frontend *f)
{
    f->backend = NULL;
    f->holding = false;
    f->armed = 0;
    f->kept = 0;
    f->barrier = BARRIER_NONE;
    f->deallocates = false;
    frontend_move(f, FRONTEND_IDLE);
}

static void let_go(struct frontend *f, const char *reset_query, bool broken)
{
    struct backend *b = f->backend;

    if (trace_on(f)) {
        trace_released(f);
    }
    relay_forget_link(f);
    timeouts_at_rest(f);
    pool_release(&f->request, b, reset_query, broken);
}

static const char *reset_query(const struct frontend *f)
{
    const char *sql = f->tenant->pool.reset_query;

    return frontend_session_mode(f) && sql[0] != '\0' ? sql : NULL;
}

void relay_release_if_settled(struct frontend *f)
{
    if (f->state != FRONTEND_LINKED || f->holding || !backend_settled(f->backend) ||
        conn_blocked(&f->conn)) {
        return;
    }
    if (!f->greeted) {
        let_go(f, NULL, false);
        frontend_greet(f, SLICE_EMPTY);
        return;
    }
    frontend_stats(f)->transactions++;
    if (f->closing_soon) {
        frontend_close_when_idle(f);
        return;
    }
    if (frontend_session_mode(f)) {
        timeouts_at_rest(f);
    } else {
        let_go(f, NULL, false);
        relay_continue(f);
    }
}

void relay_abandon(struct frontend *f)
{
    if (f->backend != NULL) {
        let_go(f, reset_query(f), f->replicates || (f->body_left > 0 && !f->dropping));
    }
}

/* ---- callbacks of the request ---- */

/* Before the client is greeted: tries its context, with a Sync in place of a batch. */
static void prove(struct frontend *f)
{
    struct backend *b = f->backend;
    uint32_t completes = arming_needed(f) ? arming_build(f, false) : 0;
    struct buf *out = &f->proxy->assembly;

    b->last_user = f->id;
    if (completes == 0) {
        backend_set_context(b, f->request.context);
        relay_release_if_settled(f);
        return;
    }
    backend_expect_switch(b, f->request.context, completes, false);
    (void)ledger_push(&b->ledger, LEDGER_SYNC, LEDGER_SWALLOW);
    build_empty(out, WIRE_SYNC);
    f->holding = true;
    struct passage nothing = {.view = SLICE_EMPTY};
    passage_send(f, &nothing);
}

void relay_prove(struct frontend *f)
{
    struct err err = {0};
    int rc = ask(f, &err);

    if (rc < 0) {
        frontend_close(f, &err);
    } else if (rc > 0) {
        prove(f);
    }
}

static void on_granted(struct pool_request *request, struct backend *backend)
{
    struct frontend *f = container_of(request, struct frontend, request);

    take_link(f, backend);
    if (!f->greeted) {
        prove(f);
        return;
    }
    struct slice view = buf_slice(&f->in);
    size_t done = first_batch(f, view);
    if (f->state == FRONTEND_CLOSED) {
        return;
    }
    conn_keep(&f->in, view, done);
    relay_continue(f);
}

static void on_refused(struct pool_request *request, const struct err *err)
{
    frontend_fail_batch(container_of(request, struct frontend, request), err);
}

const struct pool_request_ops relay_request_ops = {
    .on_granted = on_granted,
    .on_refused = on_refused,
};
