// SPDX-License-Identifier: MIT
#include "proxy/relay.h"

#include <assert.h>

#include "pool/replies.h"
#include "pool/switch.h"
#include "proxy/rewrite.h"
#include "tenant/session.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/frame.h"

static const struct backend_user_ops user_ops;

/* ---- what a client may send ---- */

enum message_class {
    CLASS_REQUEST, /* is sent on */
    CLASS_COPY,    /* is sent on where a COPY may be waiting for it, else dropped */
    CLASS_TERMINATE,
    CLASS_UNKNOWN /* ends the session */
};

static enum message_class classify(uint8_t type)
{
    switch (type) {
    case WIRE_QUERY:
    case WIRE_PARSE:
    case WIRE_BIND:
    case WIRE_DESCRIBE:
    case WIRE_EXECUTE:
    case WIRE_CLOSE:
    case WIRE_SYNC:
    case WIRE_FLUSH:
    case WIRE_FUNCTION_CALL:
        return CLASS_REQUEST;
    case WIRE_COPY_DATA:
    case WIRE_COPY_DONE:
    case WIRE_COPY_FAIL:
        return CLASS_COPY;
    case WIRE_TERMINATE:
        return CLASS_TERMINATE;
    default:
        return CLASS_UNKNOWN;
    }
}

/* Notes what the server will owe for a message; Flush and CopyData have no answer. */
static void expect(struct ledger *ledger, uint8_t type)
{
    switch (type) {
    case WIRE_QUERY:
        (void)ledger_push(ledger, LEDGER_QUERY, LEDGER_FORWARD);
        break;
    case WIRE_PARSE:
        (void)ledger_push(ledger, LEDGER_PARSE, LEDGER_FORWARD);
        break;
    case WIRE_BIND:
        (void)ledger_push(ledger, LEDGER_BIND, LEDGER_FORWARD);
        break;
    case WIRE_DESCRIBE:
        (void)ledger_push(ledger, LEDGER_DESCRIBE, LEDGER_FORWARD);
        break;
    case WIRE_EXECUTE:
        (void)ledger_push(ledger, LEDGER_EXECUTE, LEDGER_FORWARD);
        break;
    case WIRE_CLOSE:
        (void)ledger_push(ledger, LEDGER_CLOSE, LEDGER_FORWARD);
        break;
    case WIRE_SYNC:
        (void)ledger_push(ledger, LEDGER_SYNC, LEDGER_FORWARD);
        break;
    case WIRE_FUNCTION_CALL:
        (void)ledger_push(ledger, LEDGER_FUNCTION, LEDGER_FORWARD);
        break;
    case WIRE_COPY_DONE:
    case WIRE_COPY_FAIL:
        (void)ledger_push(ledger, LEDGER_COPY_END, LEDGER_SWALLOW);
        break;
    default:
        break;
    }
}

/* Bytes of the first batch, through its Query, FunctionCall, Sync or Flush; 0 when it is not whole.
 */
static size_t batch_size(struct slice bytes)
{
    struct frame frame = {0};
    size_t at = 0;

    while (frame_peek(slice_from(bytes, at), &frame) == FRAME_OK && frame.size <= bytes.n - at &&
           classify(frame.type) != CLASS_TERMINATE && classify(frame.type) != CLASS_UNKNOWN) {
        at += frame.size;
        if (frame.type == WIRE_QUERY || frame.type == WIRE_FUNCTION_CALL ||
            frame.type == WIRE_SYNC || frame.type == WIRE_FLUSH) {
            return at;
        }
    }
    return 0;
}

static size_t refuse_message(struct frontend *f, enum frame_result result, uint8_t type)
{
    struct err err;

    if (result == FRAME_BAD) {
        (void)err_set(&err, ERR_PROTOCOL, "invalid message length");
    } else {
        (void)err_set(&err, ERR_PROTOCOL, "unknown pkt: invalid frontend message type %d", type);
    }
    frontend_close(f, &err);
    return 0;
}

/* ---- skipping and dropping ---- */

/* Passes over the body of a message that goes nowhere. */
static size_t drop_body(struct frontend *f, struct slice rest)
{
    size_t n = f->body_left < rest.n ? f->body_left : rest.n;

    f->body_left -= (uint32_t)n;
    if (f->body_left == 0) {
        f->dropping = false;
        if (f->skip_ready) {
            struct buf out = {0};
            f->skip_ready = false;
            build_ready(&out, 'I');
            (void)conn_send_slice(&f->conn, buf_slice(&out));
            buf_release(&out);
        }
    }
    return n;
}

static size_t drop_message(struct frontend *f, struct slice rest, const struct frame *frame,
                           bool ready)
{
    f->dropping = true;
    f->skip_ready = ready;
    f->body_left = frame->size;
    return drop_body(f, rest);
}

/* As the server after an error: a Query or FunctionCall is a batch of its own, else all goes up to
 * Sync. */
static size_t skip_message(struct frontend *f, struct slice rest)
{
    struct frame frame = {0};
    enum frame_result result = frame_peek(rest, &frame);

    if (result == FRAME_SHORT) {
        return 0;
    }
    enum message_class class = result == FRAME_OK ? classify(frame.type) : CLASS_UNKNOWN;
    if (class == CLASS_UNKNOWN) {
        return refuse_message(f, result, frame.type);
    }
    if (class == CLASS_TERMINATE) {
        frontend_close(f, NULL);
        return 0;
    }
    bool alone = frame.type == WIRE_QUERY || frame.type == WIRE_FUNCTION_CALL;
    bool end = frame.type == WIRE_SYNC || (alone && f->skip == SKIP_BATCH);
    f->skip = end ? SKIP_NOTHING : class == CLASS_COPY ? f->skip : SKIP_TO_SYNC;
    return drop_message(f, rest, &frame, end);
}

/* ---- sending on ---- */

/* Whether what was not taken must wait for something else than the client's next bytes. */
static bool must_wait(const struct frontend *f)
{
    return f->state == FRONTEND_WAITING ||
           (f->state == FRONTEND_LINKED && (f->holding || conn_blocked(&f->backend->conn)));
}

static void send_up(struct frontend *f, struct iovec *pieces, int count)
{
    if (backend_send(f->backend, pieces, count) != 0) {
        conn_pause(&f->conn); /* until it is drained, or found to be lost */
    }
}

/* Counts and notes one message on its way to the server. */
static void announce(struct frontend *f, uint8_t type)
{
    expect(&f->backend->ledger, type);
    if (type == WIRE_QUERY || type == WIRE_EXECUTE || type == WIRE_FUNCTION_CALL) {
        frontend_account(f)->stats.queries++;
    }
}

/* A copy's bytes are sent on only while a server may read them as such. */
static bool is_late_copy(const struct frontend *f)
{
    return !f->backend->copy_in && ledger_empty(&f->backend->ledger);
}

/* One pass over a client's messages: some go as they lie in the view, some were put together anew.
 */
struct passage {
    struct slice view;
    size_t at; /* bytes done with */
    size_t
        run; /* start of the last run that goes as it lies; what went before is in proxy.assembly */
};

/* What was begun before: the rest of a body. */
static void pass_body(struct frontend *f, struct passage *p)
{
    size_t left = p->view.n - p->at;
    size_t n = f->body_left < left ? f->body_left : left;

    f->body_left -= (uint32_t)n;
    p->at += n;
    if (f->dropping) {
        p->run = p->at;
        f->dropping = f->body_left > 0;
    }
}

/* A message that may be of a named statement: what came before it is put together with it. */
static enum rewrite_look pass_rewritten(struct frontend *f, struct passage *p,
                                        const struct frame *frame)
{
    struct buf *out = &f->proxy->assembly;
    struct slice rest = slice_from(p->view, p->at);
    enum rewrite_look look = rewrite_look(rest, frame);
    size_t done = 0;

    if (look != REWRITE_CONCERNED) {
        return look;
    }
    buf_append(out, p->view.p + p->run, p->at - p->run);
    p->run = p->at;
    look = rewrite_message(f, rest, frame, out, &done);
    if (look == REWRITE_CONCERNED) {
        p->at += done;
        p->run = p->at;
        pass_body(f, p);
    }
    return look;
}

/* Walks messages up to the end of the view, or to one that must be treated apart, which is left in
 * *result and *frame. Notes in the ledger what will come back. */
static void walk(struct frontend *f, struct passage *p, enum frame_result *result,
                 struct frame *frame)
{
    bool tracks = frontend_tracks_statements(f);

    *result = FRAME_SHORT;
    pass_body(f, p);
    while (p->at < p->view.n) {
        struct slice rest = slice_from(p->view, p->at);
        *result = frame_peek(rest, frame);
        enum message_class class = *result == FRAME_OK ? classify(frame->type) : CLASS_UNKNOWN;
        if (*result == FRAME_SHORT ||
            !(class == CLASS_REQUEST || (class == CLASS_COPY && !is_late_copy(f)))) {
            return;
        }
        enum rewrite_look look = tracks ? pass_rewritten(f, p, frame) : REWRITE_PLAIN;
        if (look == REWRITE_SHORT) {
            *result = FRAME_SHORT;
            return;
        }
        if (look == REWRITE_PLAIN) {
            announce(f, frame->type);
            f->body_left = frame->size;
            pass_body(f, p);
        }
    }
}

/* Sends what the walk gathered: what was put together, then the last run as it lies. */
static void send_passage(struct frontend *f, const struct passage *p)
{
    struct slice built = buf_slice(&f->proxy->assembly);
    struct iovec pieces[2] = {
        {.iov_base = (void *)(uintptr_t)built.p, .iov_len = built.n},
        {.iov_base = (void *)(uintptr_t)(p->view.p + p->run), .iov_len = p->at - p->run},
    };

    frontend_account(f)->stats.bytes_in += p->at;
    if (built.n == 0 && pieces[1].iov_len > 0) {
        send_up(f, &pieces[1], 1);
    } else if (built.n > 0) {
        send_up(f, pieces, pieces[1].iov_len > 0 ? 2 : 1);
    }
    replies_make_up(f->backend);
}

/* Sends on what can be; what must be treated apart is, once all before it has gone. */
static size_t pass(struct frontend *f, struct slice rest)
{
    struct passage p = {.view = rest};
    enum frame_result result;
    struct frame frame = {0};

    buf_clear(&f->proxy->assembly);
    walk(f, &p, &result, &frame);
    if (p.at > 0) {
        send_passage(f, &p);
        return p.at;
    }
    if (result == FRAME_SHORT) {
        return 0;
    }
    if (result == FRAME_OK && classify(frame.type) == CLASS_TERMINATE) {
        frontend_close(f, NULL);
        return 0;
    }
    if (result == FRAME_OK && classify(frame.type) == CLASS_COPY) {
        return drop_message(f, rest, &frame, false);
    }
    return refuse_message(f, result, frame.type);
}

/* ---- the armed switch ---- */

static bool must_scrub(const struct frontend *f, const struct backend *b)
{
    enum reset_policy reset = f->tenant->reset;

    if (b->context == NULL || reset == RESET_NEVER) {
        return false;
    }
    return context_lane(b->context)->account != frontend_account(f) ||
           (reset == RESET_CLIENT && b->last_user != f->id);
}

static bool must_switch(const struct frontend *f, const struct backend *b)
{
    return b->context != f->request.context || b->context_unknown ||
           f->tenant->assertion == ASSERT_ALWAYS || must_scrub(f, b);
}

/* Puts the switch together; returns how many answers end it, 0 where the connection needs none. */
static uint32_t build_switch(struct frontend *f, bool fixed_only)
{
    struct backend *b = f->backend;
    struct switch_order order = {
        .from = b->context,
        .to = f->request.context,
        .unknown = b->context_unknown || f->tenant->assertion == ASSERT_ALWAYS,
        .scrub = !fixed_only && must_scrub(f, b),
        .fixed_only = fixed_only,
    };

    buf_clear(&f->proxy->assembly);
    if (order.scrub) {
        prepared_clear(&b->statements);
    }
    return switch_build(&f->proxy->assembly, &order, &b->prepared);
}

/* Sends the switch and, in the same write, the client's first batch where it is whole; else a
 * Flush, so that the switch is answered while the client's bytes wait. Nothing of the client's is
 * done with yet. */
static void arm(struct frontend *f, uint32_t completes, struct slice rest, bool fixed_only)
{
    struct backend *b = f->backend;
    struct buf *out = &f->proxy->assembly;
    size_t batch = batch_size(rest);
    struct frame frame = {0};

    struct passage p = {.view = slice_head(rest, batch)};
    enum frame_result result;

    backend_expect_switch(b, f->request.context, completes, fixed_only);
    if (batch == 0) {
        build_empty(out, WIRE_FLUSH);
    } else {
        walk(f, &p, &result, &frame);
    }
    f->armed = (uint32_t)batch;
    f->holding = true;
    frontend_account(f)->stats.switches++;
    send_passage(f, &p);
}

static void take_link(struct frontend *f, struct backend *b)
{
    if (f->greeted) {
        deadline_disarm(&f->deadline); /* else it is that of the login */
    }
    f->backend = b;
    backend_link(b, &user_ops, f);
    frontend_move(f, FRONTEND_LINKED);
}

/* The first bytes on a new link. */
static size_t first_batch(struct frontend *f, struct slice rest)
{
    struct backend *b = f->backend;
    bool needed = must_switch(f, b);
    uint32_t completes = needed ? build_switch(f, false) : 0;

    b->last_user = f->id;
    if (completes > 0) {
        arm(f, completes, rest, false);
        return 0;
    }
    if (needed) {
        backend_set_context(b, f->request.context);
    }
    return pass(f, rest);
}

/* A message while linked. In session mode nothing is linked anew, so the tenant's own settings are
 * asserted ahead of a batch outside a transaction when something may have changed them. */
static size_t pass_linked(struct frontend *f, struct slice rest)
{
    struct backend *b = f->backend;

    if (b->fixed_unknown && frontend_session_mode(f) && f->body_left == 0 && backend_settled(b)) {
        uint32_t completes = build_switch(f, true);
        b->fixed_unknown = false;
        if (completes > 0) {
            arm(f, completes, rest, true);
            return 0;
        }
    }
    return pass(f, rest);
}

/* ---- asking for a connection ---- */

static void on_query_wait(struct deadline *deadline)
{
    struct frontend *f = container_of(deadline, struct frontend, deadline);
    struct err err;

    pool_withdraw(&f->request);
    (void)err_set(&err, ERR_CANCELLED,
                  "query_wait_timeout: no server connection came free in time");
    err_hint(&err, "The pool is busy: see SHOW POOLS, or raise pool.size or timeouts.query_wait.");
    frontend_fail_batch(f, &err);
}

static int check_waiting(const struct frontend *f, struct err *err)
{
    int most = f->tenant->limits.waiting;

    if (most > 0 && frontend_account(f)->waiting >= (uint32_t)most) {
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
    }
    if (rc == 0 && f->greeted) {
        deadline_arm(&f->proxy->loop->deadlines, &f->deadline,
                     (uint64_t)f->tenant->timeouts.query_wait, on_query_wait);
    }
    return rc;
}

static void start_skipping(struct frontend *f, const struct err *err)
{
    struct buf out = {0};

    frontend_account(f)->stats.errors++;
    error_build(&out, WIRE_ERROR, "ERROR", err);
    (void)conn_send_slice(&f->conn, buf_slice(&out));
    buf_release(&out);
    f->skip = SKIP_BATCH;
}

/* The first message of an unlinked client. */
static size_t begin(struct frontend *f, struct slice rest)
{
    struct frame frame = {0};
    struct err err = {0};
    enum frame_result result = frame_peek(rest, &frame);

    if (result == FRAME_SHORT) {
        return 0;
    }
    enum message_class class = result == FRAME_OK ? classify(frame.type) : CLASS_UNKNOWN;
    switch (class) {
    case CLASS_UNKNOWN:
        return refuse_message(f, result, frame.type);
    case CLASS_TERMINATE:
        frontend_close(f, NULL);
        return 0;
    case CLASS_COPY:
        return drop_message(f, rest, &frame, false);
    case CLASS_REQUEST:
        break;
    }
    f->request_at = loop_now(f->proxy->loop);
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
        return drop_body(f, rest);
    }
    if (must_wait(f)) {
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
    if (!must_wait(f)) {
        conn_resume(&f->conn);
    }
}

/* ---- letting go ---- */

static void let_go(struct frontend *f, const char *reset_query, bool broken)
{
    struct backend *b = f->backend;

    f->backend = NULL;
    f->holding = false;
    f->armed = 0;
    frontend_move(f, FRONTEND_IDLE);
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
        frontend_greet(f);
        return;
    }
    frontend_account(f)->stats.transactions++;
    if (f->closing_soon) {
        frontend_close_when_idle(f);
        return;
    }
    if (!frontend_session_mode(f)) {
        let_go(f, NULL, false);
        relay_continue(f);
    }
}

void relay_abandon(struct frontend *f)
{
    if (f->backend != NULL) {
        let_go(f, reset_query(f), f->body_left > 0 && !f->dropping);
    }
}

/* ---- callbacks of the request ---- */

/* Before the client is greeted: tries its context, with a Sync in place of a batch. */
static void prove(struct frontend *f)
{
    struct backend *b = f->backend;
    uint32_t completes = must_switch(f, b) ? build_switch(f, false) : 0;
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
    struct iovec piece = {.iov_base = (void *)(uintptr_t)buf_slice(out).p,
                          .iov_len = buf_size(out)};
    send_up(f, &piece, 1);
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

void relay_on_granted(struct pool_request *request, struct backend *backend)
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

void relay_on_refused(struct pool_request *request, const struct err *err)
{
    frontend_fail_batch(container_of(request, struct frontend, request), err);
}

/* ---- callbacks of the backend ---- */

/* A client that cannot be written to is found by its next read. */
static bool on_bytes(void *user, struct slice bytes)
{
    struct frontend *f = user;
    int rc = conn_send_slice(&f->conn, bytes);

    frontend_account(f)->stats.bytes_out += bytes.n;
    if (rc < 0) {
        conn_resume(&f->conn);
    }
    return rc != 0;
}

/* What the client set follows it: it becomes part of its context, which the connection is now in.
 */
static void on_report(void *user, struct slice name, struct slice value)
{
    struct frontend *f = user;
    struct context *old = f->request.context;
    struct context_table *table = &f->proxy->pools.contexts;

    if (!session_tracks(name) ||
        (context_find(old, name) == NULL &&
         slice_eq(pool_welcome_value(f->request.lane->pool, name), value))) {
        return;
    }
    struct context *changed = context_with(table, old, name, value);
    if (changed == NULL) {
        return; /* too many: it is the connection's, and its tag says that it is unknown */
    }
    if (f->backend->context == old) {
        backend_set_context_as_reported(f->backend, changed);
    }
    f->request.context = changed;
    context_unref(table, old);
}

static void on_entry(void *user, const struct ledger_entry *entry, bool answered)
{
    rewrite_on_entry(user, entry, answered);
}

static void on_deallocated_all(void *user)
{
    rewrite_on_deallocated_all(user);
}

static void on_stale_statement(void *user, uint32_t number)
{
    struct frontend *f = user;

    statements_renew(&f->proxy->statements, number);
}

static void on_switched(void *user)
{
    struct frontend *f = user;

    f->holding = false;
    f->retried = false;
    buf_consume(&f->in, f->armed);
    f->armed = 0;
    if (buf_size(&f->in) == 0) {
        buf_release(&f->in);
    }
    if (f->greeted) {
        relay_continue(f);
    }
}

static void on_settled(void *user)
{
    relay_release_if_settled(user);
}

static void on_drained(void *user)
{
    relay_continue(user);
}

/* The link is gone without our doing. */
static void forget_link(struct frontend *f)
{
    f->backend = NULL;
    f->holding = false;
    f->armed = 0;
    frontend_move(f, FRONTEND_IDLE);
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

static const struct backend_user_ops user_ops = {
    .on_bytes = on_bytes,
    .on_report = on_report,
    .on_entry = on_entry,
    .on_deallocated_all = on_deallocated_all,
    .on_stale_statement = on_stale_statement,
    .on_switched = on_switched,
    .on_settled = on_settled,
    .on_drained = on_drained,
    .on_switch_failed = on_switch_failed,
    .on_lost = on_lost,
};
