// SPDX-License-Identifier: MIT
#include "proxy/passage.h"

#include "pool/replies.h"
#include "proxy/barrier.h"
#include "proxy/message.h"
#include "proxy/rewrite.h"
#include "wire/build.h"

static void send_up(struct frontend *f, struct iovec *pieces, int count)
{
    if (backend_send(f->backend, pieces, count) != 0) {
        conn_pause(&f->conn); /* until it is drained, or found to be lost */
    }
}

/* Counts and notes one message on its way to the server. */
static void announce(struct frontend *f, uint8_t type)
{
    message_expect(&f->backend->ledger, type);
    if (type == WIRE_QUERY || type == WIRE_EXECUTE || type == WIRE_FUNCTION_CALL) {
        frontend_stats(f)->queries++;
    }
}

bool passage_is_late_copy(const struct frontend *f)
{
    return !f->backend->copy_in && ledger_empty(&f->backend->ledger);
}

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

/* What the next message will find prepared hangs on answers that are owed. A Flush brings those of
 * a batch that is still open. */
static void wait_for_answers(struct frontend *f, struct buf *out)
{
    f->backend->awaited = true;
    if (!ledger_ends_batch(&f->backend->ledger)) {
        build_empty(out, WIRE_FLUSH);
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
    if (ledger_in_doubt(&f->backend->ledger) ||
        (f->deallocates && !ledger_empty(&f->backend->ledger))) {
        wait_for_answers(f, out);
        return REWRITE_SHORT;
    }
    look = rewrite_message(f, rest, frame, out, &done);
    if (look == REWRITE_CONCERNED) {
        p->at += done;
        p->run = p->at;
        pass_body(f, p);
    }
    return look;
}

/* Behind a message that was passed: the barrier goes up at the end of its batch. Where the server
 * skips, no batch ends. */
static void raise_barrier(struct frontend *f, enum barrier_look ahead, uint8_t type)
{
    bool ends = type == WIRE_QUERY || type == WIRE_FUNCTION_CALL || type == WIRE_SYNC;

    if (ahead == BARRIER_RAISE) {
        f->barrier = BARRIER_AHEAD;
    }
    if (f->barrier == BARRIER_AHEAD && ends) {
        f->barrier = ledger_ends_batch(&f->backend->ledger) ? BARRIER_UP : BARRIER_NONE;
    }
}

void passage_walk(struct frontend *f, struct passage *p, enum frame_result *result,
                  struct frame *frame)
{
    bool tracks = frontend_tracks_statements(f);

    *result = FRAME_SHORT;
    pass_body(f, p);
    while (p->at < p->view.n) {
        struct slice rest = slice_from(p->view, p->at);
        *result = FRAME_SHORT;
        if (f->barrier == BARRIER_UP) {
            return;
        }
        *result = frontend_peek(f, rest, frame);
        enum message_class class =
            *result == FRAME_OK ? message_classify(frame->type) : CLASS_UNKNOWN;
        if (*result == FRAME_SHORT ||
            !(class == CLASS_REQUEST || (class == CLASS_COPY && !passage_is_late_copy(f)))) {
            return;
        }
        enum barrier_look ahead = barrier_look(rest, frame);
        if (ahead == BARRIER_SHORT) {
            *result = FRAME_SHORT;
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
        p->last = frame->type;
        raise_barrier(f, ahead, frame->type);
    }
}

void passage_send(struct frontend *f, const struct passage *p)
{
    struct slice built = buf_slice(&f->proxy->assembly);
    struct iovec pieces[2] = {
        {.iov_base = (void *)(uintptr_t)built.p, .iov_len = built.n},
        {.iov_base = (void *)(uintptr_t)slice_from(p->view, p->run).p, .iov_len = p->at - p->run},
    };

    frontend_stats(f)->bytes_in += p->at;
    if (built.n == 0 && pieces[1].iov_len > 0) {
        send_up(f, &pieces[1], 1);
    } else if (built.n > 0) {
        send_up(f, pieces, pieces[1].iov_len > 0 ? 2 : 1);
    }
    replies_make_up(f->backend);
    if (ledger_empty(&f->backend->ledger)) {
        f->backend->awaited = false; /* all that was owed was ours to say */
    }
}
