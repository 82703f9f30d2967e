// SPDX-License-Identifier: MIT
#include "proxy/arming.h"

#include "pool/switch.h"
#include "proxy/message.h"
#include "proxy/passage.h"
#include "wire/build.h"

/* A sealed tenant leaves its seal to nobody, even one that asks for no scrub. */
static bool must_scrub(const struct frontend *f, const struct backend *b)
{
    enum reset_policy reset = f->tenant->reset;

    if (backend_in_force(b) == NULL) {
        return false;
    }
    bool other = context_lane(b->context)->account != frontend_account(f);
    if (reset == RESET_NEVER) {
        return other && seal_key_is_set(&context_lane(b->context)->seal);
    }
    return other || (reset == RESET_CLIENT && b->last_user != f->id);
}

static bool is_sealed(const struct frontend *f)
{
    return seal_key_is_set(&f->request.lane->seal);
}

bool arming_needed(const struct frontend *f)
{
    const struct backend *b = f->backend;

    return is_sealed(f) || backend_in_force(b) != f->request.context || b->context_unknown ||
           f->tenant->assertion == ASSERT_ALWAYS || must_scrub(f, b);
}

static void add_seal(const struct frontend *f, struct switch_order *order)
{
    struct backend *b = f->backend;
    const struct lane *lane = f->request.lane;
    struct seal_subject subject = {
        .tenant = lane->account->name,
        .pid = b->pid,
        .start = b->start,
    };

    order->seal_setting = slice_str(lane->seal.setting);
    order->seal = seal_make(&b->seal, &lane->seal, &subject);
}

uint32_t arming_build(struct frontend *f, bool fixed_only)
{
    struct backend *b = f->backend;
    struct switch_order order = {
        .from = backend_in_force(b),
        .birth = b->birth->settings,
        .to = f->request.context,
        .unknown = b->context_unknown || f->tenant->assertion == ASSERT_ALWAYS,
        .scrub = !fixed_only && must_scrub(f, b),
        .fixed_only = fixed_only,
        .unnamed = !fixed_only && frontend_session_mode(f),
    };

    if (is_sealed(f)) {
        add_seal(f, &order);
    }
    buf_clear(&f->proxy->assembly);
    if (order.scrub) {
        prepared_clear(&b->statements);
    }
    return switch_build(&f->proxy->assembly, &order, &f->proxy->pools.switch_texts, &b->prepared);
}

/* Whether all of a batch went out that could be sent again when a statement in it turns out to be
 * stale: it ends by a Sync, and the statement is one of ours. */
static bool may_go_again(const struct frontend *f, const struct passage *p)
{
    return frontend_tracks_statements(f) && p->at == p->view.n && p->last == WIRE_SYNC;
}

void arming_send(struct frontend *f, uint32_t completes, struct slice rest, bool fixed_only)
{
    struct backend *b = f->backend;
    struct buf *out = &f->proxy->assembly;
    size_t batch = message_batch_size(rest);
    struct frame frame = {0};

    struct passage p = {.view = slice_head(rest, batch)};
    enum frame_result result;

    backend_expect_switch(b, f->request.context, completes, fixed_only);
    if (batch == 0) {
        build_empty(out, WIRE_FLUSH);
    } else {
        passage_walk(f, &p, &result, &frame);
    }
    f->armed = (uint32_t)p.at;
    f->kept = (uint8_t)(KEPT_FOR_SWITCH | (may_go_again(f, &p) ? KEPT_FOR_ANSWER : 0));
    f->holding = true;
    frontend_stats(f)->switches++;
    passage_send(f, &p);
}

size_t arming_keep(struct frontend *f, struct slice rest)
{
    struct passage p = {.view = slice_head(rest, message_batch_size(rest))};
    enum frame_result result;
    struct frame frame = {0};

    buf_clear(&f->proxy->assembly);
    passage_walk(f, &p, &result, &frame);
    if (!may_go_again(f, &p)) {
        passage_send(f, &p);
        return p.at;
    }
    f->armed = (uint32_t)p.at;
    f->kept = KEPT_FOR_ANSWER;
    f->holding = true;
    passage_send(f, &p);
    return 0;
}
