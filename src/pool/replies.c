// SPDX-License-Identifier: MIT
#include "pool/replies.h"

#include "base/limits.h"
#include "pool/owed.h"
#include "pool/reports.h"
#include "wire/cursor.h"
#include "wire/error.h"
#include "wire/frame.h"

/* What becomes of a message. */
enum verdict { FORWARD, SWALLOW, REFUSED, OUT_OF_PLACE };

static const char *kind_name(const struct ledger_entry *head)
{
    static const char *const names[] = {"switch", "query",    "function call", "sync",  "parse",
                                        "bind",   "describe", "execute",       "close", "copy end"};
    return head == NULL ? "nothing" : names[head->kind];
}

static enum verdict by_action(const struct ledger_entry *entry)
{
    return entry->action == LEDGER_FORWARD ? FORWARD : SWALLOW;
}

/* Takes the head entry out as answered. */
static void settle_head(struct backend *b)
{
    struct ledger_entry entry = *ledger_head(&b->ledger);

    ledger_pop(&b->ledger);
    owed_tell(b, &entry, !entry.failed);
}

/* An answer that ends the head entry, if the head is of that kind. */
static enum verdict end_entry(struct backend *b, enum ledger_kind kind)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    if (head == NULL || head->kind != kind) {
        return OUT_OF_PLACE;
    }
    enum verdict verdict = by_action(head);
    settle_head(b);
    return verdict;
}

/* A message that belongs to the head entry, of one of these two kinds, and does not end it. */
static enum verdict within_entry(struct backend *b, enum ledger_kind kind, enum ledger_kind other)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    if (head == NULL || (head->kind != kind && head->kind != other)) {
        return OUT_OF_PLACE;
    }
    return by_action(head);
}

static void end_copy(struct backend *b)
{
    b->copy_in = false;
    b->copy_extended = false;
}

static void forget_statements(struct backend *b)
{
    b->prepared = 0;
    prepared_clear(&b->statements);
    for (uint32_t i = 0; i < b->ledger.count; i++) {
        const struct ledger_entry *entry = ledger_at(&b->ledger, i);
        if (entry->kind == LEDGER_PARSE && entry->action != LEDGER_MAKE_UP && entry->arg != 0) {
            prepared_add(&b->statements, entry->arg); /* comes behind it */
        }
    }
    if (b->user != NULL) {
        b->user_ops->on_deallocated(b->user, true);
    }
}

/* Tags after which the settings of the session may differ from what was asserted. */
static void note_tag(struct backend *b, struct slice body)
{
    struct cursor c = cursor_of(body);
    struct slice tag = cursor_cstr(&c);

    if (tag.n < 3) {
        return;
    }
    if (slice_eq_str(tag, "SET") || slice_eq_str(tag, "RESET")) {
        b->context_unknown = b->fixed_unknown = true;
    } else if (slice_eq_str(tag, "DISCARD ALL")) {
        b->context_unknown = b->fixed_unknown = true;
        forget_statements(b);
    } else if (slice_eq_str(tag, "DEALLOCATE ALL")) {
        forget_statements(b);
    } else if (slice_eq_str(tag, "DEALLOCATE") && b->user != NULL) {
        b->user_ops->on_deallocated(b->user, false);
    }
}

static enum verdict command_complete(struct backend *b, struct slice body)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    if (head == NULL || (head->kind != LEDGER_QUERY && head->kind != LEDGER_EXECUTE)) {
        return OUT_OF_PLACE;
    }
    enum verdict verdict = by_action(head);
    if (head->kind == LEDGER_QUERY && head->arg > 0) {
        head->arg--;
        return SWALLOW;
    }
    if (body.n > 0 && (body.p[0] == 'S' || body.p[0] == 'R' || body.p[0] == 'D')) {
        note_tag(b, body);
    }
    if (head->kind == LEDGER_EXECUTE) {
        settle_head(b);
        if (b->copy_extended) {
            owed_skip_copy(b);
        }
    }
    end_copy(b);
    return verdict;
}

static enum verdict empty_query(struct backend *b)
{
    struct ledger_entry *head = ledger_head(&b->ledger);
    bool query = head != NULL && head->kind == LEDGER_QUERY;

    return query ? by_action(head) : end_entry(b, LEDGER_EXECUTE);
}

static enum verdict row_description(struct backend *b)
{
    struct ledger_entry *head = ledger_head(&b->ledger);
    bool query = head != NULL && head->kind == LEDGER_QUERY;

    return query ? by_action(head) : end_entry(b, LEDGER_DESCRIBE);
}

static enum verdict copy_in_response(struct backend *b)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    if (head == NULL || (head->kind != LEDGER_QUERY && head->kind != LEDGER_EXECUTE)) {
        return OUT_OF_PLACE;
    }
    b->copy_in = true;
    b->copy_extended = head->kind == LEDGER_EXECUTE;
    return by_action(head);
}

static bool is_stale(struct slice body)
{
    struct error_fields fields;

    return error_parse(body, &fields) == 0 && slice_eq_str(fields.sqlstate, "0A000") &&
           slice_eq_str(fields.message, "cached plan must not change result type");
}

/* Whether the client will hear which columns there are now: one that relies on what it was told
 * before must get the error. */
static bool is_described(struct ledger *ledger)
{
    return ledger_head(ledger)->kind == LEDGER_DESCRIBE ||
           (ledger->count > 1 && ledger_at(ledger, 1)->kind == LEDGER_DESCRIBE);
}

/* A statement whose result would have other columns now can never be executed again under its name.
 * Returns whether its batch, which is all that is owed then, will be sent again. */
static bool note_stale(struct backend *b, uint32_t number, struct slice body)
{
    struct ledger_entry *last = ledger_at(&b->ledger, b->ledger.count - 1);

    if (b->user == NULL || !is_stale(body)) {
        return false;
    }
    b->healing = b->user_ops->on_stale_statement(b->user, number) && is_described(&b->ledger) &&
                 last->kind == LEDGER_SYNC;
    if (b->healing) {
        last->action = LEDGER_SWALLOW;
    }
    return b->healing;
}

/* An error of a query, whose end is still to come. */
static void fail_head(struct backend *b)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    head->failed = true;
    if (head->action == LEDGER_REPLACE) {
        head->action = LEDGER_FORWARD;
        owed_tell(b, head, true);
        head->note = NULL;
    }
}

/* After an error in the extended protocol nothing is answered before the next Sync, queries
 * included. */
static enum verdict error_response(struct backend *b, struct slice body)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    if (head == NULL) {
        return FORWARD; /* a FATAL on its way out: the server closes behind it */
    }
    enum verdict verdict = head->action == LEDGER_INJECT ? FORWARD : by_action(head);
    b->cleaning_failed = true;
    if (ledger_may_be_stale(head) && note_stale(b, head->arg, body)) {
        verdict = SWALLOW;
    }
    if (ledger_kind_ends_batch(head->kind)) {
        fail_head(b);
        end_copy(b);
        return verdict;
    }
    if (b->copy_extended) {
        /* Whether the server had read the Sync behind its Execute before it failed cannot be known.
         */
        b->close_when_free = true;
        owed_skip_copy(b);
    }
    end_copy(b);
    if (head->action == LEDGER_REPLACE) {
        settle_head(b);
    }
    owed_skip_batch(b);
    return verdict;
}

static enum verdict ready_for_query(struct backend *b, struct slice body)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    if (body.n != 1 || head == NULL || head->kind > LEDGER_SYNC || head->kind == LEDGER_SWITCH) {
        return OUT_OF_PLACE;
    }
    enum verdict verdict = by_action(head);
    settle_head(b);
    owed_drop_copy_ends(b);
    end_copy(b);
    b->status = (char)body.p[0];
    b->synced = ledger_empty(&b->ledger);
    b->cancel_wanted = b->cancel_wanted && !b->synced; /* nothing runs that it could be for */
    return verdict;
}

/* The context asked for is in force from here on; after a partial switch only the tenant's part of
 * it. */
static void confirm_switch(struct backend *b)
{
    ledger_pop(&b->ledger);
    if (b->switch_partial) {
        b->fixed_unknown = false;
    } else {
        backend_set_context(b, b->next_context);
    }
    context_unref(b->contexts, b->next_context);
    b->next_context = NULL;
    b->switched = b->unreported = true;
}

static enum verdict switch_reply(struct backend *b, const struct frame *frame, struct slice body,
                                 struct err *err)
{
    struct ledger_entry *head = ledger_head(&b->ledger);
    struct error_fields fields;

    switch (frame->type) {
    case WIRE_COMMAND_COMPLETE:
        if (--head->arg == 0) {
            confirm_switch(b);
        }
        return SWALLOW;
    case WIRE_ERROR:
        if (error_parse(body, &fields) < 0) {
            return OUT_OF_PLACE;
        }
        error_to_err(&fields, err);
        return REFUSED;
    case WIRE_PARSE_COMPLETE:
    case WIRE_BIND_COMPLETE:
    case WIRE_DATA_ROW:
    case WIRE_NOTICE:
    case WIRE_NOTIFICATION: /* of a LISTEN that the last user left */
        return SWALLOW;
    case WIRE_PARAMETER_STATUS:
        return reports_note(b, body) ? SWALLOW : OUT_OF_PLACE;
    default:
        return OUT_OF_PLACE;
    }
}

static enum verdict parameter_status(struct backend *b, struct slice body)
{
    int rc = reports_take(b, body);

    return rc < 0 ? OUT_OF_PLACE : rc == 0 ? SWALLOW : FORWARD;
}

static enum verdict take_message(struct backend *b, const struct frame *frame, struct slice body,
                                 struct err *err)
{
    owed_drop_copy_ends(b);
    struct ledger_entry *head = ledger_head(&b->ledger);

    if (head != NULL && head->kind == LEDGER_SWITCH) {
        return switch_reply(b, frame, body, err);
    }
    switch (frame->type) {
    case WIRE_DATA_ROW:
    case WIRE_COPY_DATA:
    case WIRE_COPY_DONE:
    case WIRE_COPY_OUT:
        return within_entry(b, LEDGER_QUERY, LEDGER_EXECUTE);
    case WIRE_PARAMETER_DESCRIPTION:
        return within_entry(b, LEDGER_DESCRIBE, LEDGER_DESCRIBE);
    case WIRE_FUNCTION_RESULT:
        return within_entry(b, LEDGER_FUNCTION, LEDGER_FUNCTION);
    case WIRE_NOTICE:
        reports_notice(b, body);
        return FORWARD;
    case WIRE_NOTIFICATION:
        return FORWARD;
    case WIRE_COMMAND_COMPLETE:
        return command_complete(b, body);
    case WIRE_READY:
        return ready_for_query(b, body);
    case WIRE_ERROR:
        return error_response(b, body);
    case WIRE_ROW_DESCRIPTION:
        return row_description(b);
    case WIRE_PARSE_COMPLETE:
        return end_entry(b, LEDGER_PARSE);
    case WIRE_BIND_COMPLETE:
        return end_entry(b, LEDGER_BIND);
    case WIRE_CLOSE_COMPLETE:
        return end_entry(b, LEDGER_CLOSE);
    case WIRE_NO_DATA:
        return end_entry(b, LEDGER_DESCRIBE);
    case WIRE_EMPTY_QUERY:
        return empty_query(b);
    case WIRE_PORTAL_SUSPENDED:
        return end_entry(b, LEDGER_EXECUTE);
    case WIRE_COPY_IN:
        return copy_in_response(b);
    case WIRE_COPY_BOTH: /* START_REPLICATION: the client's bytes follow as in a copy */
        return b->replicates ? copy_in_response(b) : OUT_OF_PLACE;
    case WIRE_PARAMETER_STATUS:
        return parameter_status(b, body);
    default:
        return OUT_OF_PLACE;
    }
}

/* Messages whose body is looked into wait until they are whole; they are small. */
static bool must_be_whole(const struct backend *b, uint8_t type)
{
    const struct ledger *ledger = &b->ledger;

    if (type == WIRE_ERROR && ledger->count > 0) {
        const struct ledger_entry *head = &ledger->ring[ledger->head];
        return head->kind == LEDGER_SWITCH || ledger_may_be_stale(head);
    }
    return type == WIRE_COMMAND_COMPLETE || type == WIRE_READY || type == WIRE_PARAMETER_STATUS;
}

static bool must_make_up(struct backend *b)
{
    struct ledger_entry *head = ledger_head(&b->ledger);

    return head != NULL && head->action == LEDGER_MAKE_UP && b->body_left == 0;
}

/* Answers that the server was not asked for, when it is their turn: never within a message. */
void replies_make_up(struct backend *b)
{
    static const uint8_t parsed[] = {WIRE_PARSE_COMPLETE, 0, 0, 0, 4};
    static const uint8_t closed[] = {WIRE_CLOSE_COMPLETE, 0, 0, 0, 4};

    while (must_make_up(b)) {
        const uint8_t *answer = ledger_head(&b->ledger)->kind == LEDGER_PARSE ? parsed : closed;
        settle_head(b);
        if (b->user != NULL && b->user_ops->on_bytes(b->user, slice_of(answer, sizeof parsed))) {
            conn_pause(&b->conn);
        }
    }
}

static void forward(struct backend *b, struct slice view, size_t from, size_t to)
{
    if (to > from && b->user != NULL &&
        b->user_ops->on_bytes(b->user, slice_of(view.p + from, to - from))) {
        conn_pause(&b->conn);
    }
}

static void tell_reported(struct backend *b)
{
    b->unreported = false;
    if (b->user != NULL) {
        b->user_ops->on_reported(b->user);
    }
}

static int refuse(enum verdict verdict, const struct backend *b, uint8_t type, struct err *err)
{
    if (verdict == REFUSED) {
        return ERR_SERVER;
    }
    return err_set(err, ERR_PROTOCOL,
                   "server sent message '%c' (0x%02x) where %s was to be answered",
                   type >= 0x20 && type < 0x7f ? type : '?', type,
                   kind_name(b->ledger.count == 0 ? NULL : &b->ledger.ring[b->ledger.head]));
}

/* The answers of a switch that is as it should be: there are many, and nothing of them is looked
 * into. Returns where they end, or where something else comes. Inlined it would cost every query,
 * which has no switch. */
__attribute__((noinline)) static size_t pass_switch(struct backend *b, struct slice view, size_t at)
{
    struct ledger_entry *head = ledger_head(&b->ledger);
    struct frame frame;

    if (head == NULL || head->kind != LEDGER_SWITCH) {
        return at;
    }
    while (head->arg > 0 && frame_peek(slice_from(view, at), &frame) == FRAME_OK &&
           frame.size <= view.n - at) {
        switch (frame.type) {
        case WIRE_COMMAND_COMPLETE:
            head->arg--;
            break;
        case WIRE_PARSE_COMPLETE:
        case WIRE_BIND_COMPLETE:
        case WIRE_DATA_ROW:
            break;
        default:
            return at;
        }
        at += frame.size;
    }
    if (head->arg == 0) {
        confirm_switch(b);
    }
    return at;
}

/* Forwards the run so far where something of ours comes behind it; returns the start of the next.
 */
static size_t make_up_behind(struct backend *b, struct slice view, size_t from, size_t at)
{
    if (!must_make_up(b)) {
        return from;
    }
    forward(b, view, from, at);
    replies_make_up(b);
    return at;
}

ptrdiff_t replies_walk(struct backend *b, struct slice view, struct err *err)
{
    size_t at = b->body_left < view.n ? b->body_left : view.n; /* what was begun before */
    size_t from = b->body_forward ? 0 : at;                    /* start of the run to forward */
    struct frame frame;

    b->body_left -= (uint32_t)at;
    from = make_up_behind(b, view, from, at);
    while (at < view.n) {
        enum frame_result result = frame_peek(slice_from(view, at), &frame);
        if (result == FRAME_BAD) {
            return err_set(err, ERR_PROTOCOL, "server sent a message of an impossible length");
        }
        size_t have = view.n - at;
        if (result == FRAME_SHORT) {
            break;
        }
        bool whole = have >= frame.size;
        if (!whole && must_be_whole(b, frame.type)) {
            if (frame.size > LIMIT_WHOLE_MESSAGE) {
                return err_set(err, ERR_PROTOCOL, "server sent a message '%c' of %u bytes",
                               frame.type, frame.size);
            }
            break;
        }
        size_t size = whole ? frame.size : have;
        struct slice body = slice_of(view.p + at + FRAME_HEADER, size - FRAME_HEADER);
        struct ledger_entry *head = ledger_head(&b->ledger);
        if (frame.type == WIRE_ERROR && head != NULL &&
            (head->action == LEDGER_REPLACE || ledger_may_be_stale(head))) {
            forward(b, view, from, at);
            from = at;
        }
        if (frame.type == WIRE_READY && b->unreported) {
            forward(b, view, from, at);
            from = at;
            tell_reported(b);
        }
        enum verdict verdict = take_message(b, &frame, body, err);
        if (verdict == REFUSED || verdict == OUT_OF_PLACE) {
            return refuse(verdict, b, frame.type, err);
        }
        if (verdict == SWALLOW) {
            forward(b, view, from, at);
            from = at + size;
            if (whole) {
                from = at = pass_switch(b, view, from);
                size = frame.size = 0;
            }
        }
        at += size;
        b->body_left = frame.size - (uint32_t)size;
        b->body_forward = verdict == FORWARD;
        from = make_up_behind(b, view, from, at);
    }
    forward(b, view, from, at);
    return (ptrdiff_t)at;
}
