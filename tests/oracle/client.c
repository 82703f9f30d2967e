// SPDX-License-Identifier: MIT
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "chop.h"
#include "message.h"
#include "wire/build.h"
#include "wire/cursor.h"
#include "wire/error.h"
#include "wire/frame.h"

enum {
    OUT_ENOUGH = 16 * 1024,
    READ_MAX = 64 * 1024,
    PATIENCE = 30000 /* ms until an answer that is owed counts as lost */
};

static void start_session(struct client *c);
static void watch(struct client *c);

/* ---- the verdict ---- */

static void report(struct client *c, const char *why, const char *detail)
{
    const struct expected *item = c->at < c->outcome.count ? &c->outcome.items[c->at] : NULL;

    if (c->oracle->failed) {
        return;
    }
    c->oracle->failed = true;
    fprintf(stderr, "oracle: client c%u of tenant %s: %s%s%s\n", c->id, c->tenant->name, why,
            *detail == '\0' ? "" : ": ", detail);
    if (item != NULL) {
        fprintf(stderr, "  expected '%c' %s number=%u status=%c application=%u\n", item->type,
                item->text == NULL ? "" : item->text, item->number,
                item->status == 0 ? '-' : item->status, item->application);
    }
    fprintf(stderr,
            "  model: status=%c skipping=%d copying=%d; cancel=%u; the last that was said:\n",
            c->model.status, c->model.skipping, c->model.copying, c->cancel);
    history_print(&c->history);
}

/* ---- the end of a session ---- */

static void end_session(struct client *c)
{
    source_close(&c->oracle->reactor, &c->source);
    source_close(&c->oracle->reactor, &c->canceller);
    buf_release(&c->out);
    buf_release(&c->in);
}

static void leave(struct client *c)
{
    if (rng_chance(&c->rng, 40)) {
        struct linger now = {.l_onoff = 1};
        (void)setsockopt(c->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    end_session(c);
    start_session(c);
}

static void on_lost(struct client *c)
{
    if (!c->oracle->may_lose) {
        report(c, "the connection ended", "");
    }
    c->oracle->stats.lost++;
    end_session(c);
    start_session(c);
}

/* ---- what must come next ---- */

static bool take_step(struct client *c)
{
    if (c->more_steps) {
        c->step++;
    } else if (c->queued > 0) {
        c->request = c->queue[c->head];
        c->head = (c->head + 1) % QUEUE_MAX;
        c->queued--;
        c->step = 0;
        c->has_request = true;
    } else {
        return false;
    }
    c->before = c->model;
    c->more_steps = model_step(&c->model, &c->request, c->step, &c->outcome);
    c->at = 0;
    return true;
}

/* The item that must come next, or NULL where nothing is owed. */
static const struct expected *next_item(struct client *c)
{
    while (c->at == c->outcome.count) {
        if (!take_step(c)) {
            return NULL;
        }
    }
    return &c->outcome.items[c->at];
}

static bool at_rest(struct client *c)
{
    return c->logged_in && next_item(c) == NULL && c->script.at == c->script.count &&
           buf_size(&c->out) == 0 && c->model.status == 'I' && !c->model.skipping;
}

/* ---- answers ---- */

static struct sql_context context_of(const struct client *c, uint32_t application)
{
    return (struct sql_context){.client = c->id,
                                .setting = c->tenant->setting,
                                .path = c->tenant->path,
                                .application = application};
}

/* The step failed where it need not: at a cancel, or where a pooler may differ. */
static void turn_back(struct client *c)
{
    bool waits = c->at == c->outcome.count && !c->more_steps && c->model.copying;
    struct model *from = waits ? &c->model : &c->before;
    struct model m = *from;

    model_fail(&m, waits ? NULL : &c->request, &c->outcome);
    c->model = m;
    c->more_steps = false;
    c->at = 0;
}

static bool is_instead(const struct client *c, const char *sqlstate)
{
    const struct outcome *o = &c->outcome;

    return c->at == 0 && o->count > 0 &&
           ((o->instead[0] != NULL && strcmp(o->instead[0], sqlstate) == 0) ||
            (o->instead[1] != NULL && strcmp(o->instead[1], sqlstate) == 0));
}

/* An answer that was not expected, and is none the worse. */
static bool take_otherwise(struct client *c, uint8_t type, struct slice body)
{
    char sqlstate[6];

    if (type == '1' && c->at == 0 && c->outcome.may_parse) {
        c->model = c->before;
        model_accept_parse(&c->model, &c->request);
        c->outcome.count = 0;
        return true;
    }
    if (c->at == 0 && c->outcome.may_be_empty == (char)type) {
        c->model = c->before;
        c->outcome.count = 0;
        return true;
    }
    if (type != 'E' || !message_error(body, sqlstate)) {
        return false;
    }
    bool cancelled = c->cancel != CANCEL_NONE && strcmp(sqlstate, "57014") == 0 &&
                     (c->at < c->outcome.count || c->model.copying);
    if (!cancelled && !is_instead(c, sqlstate)) {
        return false;
    }
    c->oracle->stats.cancels_hit += cancelled;
    turn_back(c);
    return true;
}

static void take_report(struct client *c, struct slice body)
{
    struct cursor cursor = cursor_of(body);
    struct slice name = cursor_cstr(&cursor);
    struct slice value = cursor_cstr(&cursor);
    struct buf want = {0};

    if (!slice_eq_str(name, "application_name")) {
        return;
    }
    (void)next_item(c);
    sql_append_application(&want, c->id, c->model.application);
    if (!slice_eq(value, buf_slice(&want))) {
        report(c, "told another application_name", "");
    }
    buf_release(&want);
    c->reported = c->model.application;
}

static void count(struct client *c, const struct expected *item)
{
    struct stats *stats = &c->oracle->stats;

    stats->rows += item->type == 'D';
    stats->errors += item->type == 'E';
    stats->batches += item->type == 'Z';
    if (item->type == 'Z' && c->reported != item->application) {
        report(c, "not told of its application_name", "");
    }
}

static void take_answer(struct client *c, uint8_t type, struct slice body)
{
    const struct expected *item = next_item(c);
    struct sql_context context = context_of(c, item == NULL ? 0 : item->application);
    const char *why = "a message that nothing asked for";

    if (item != NULL && message_is(item, type, body, &context, &why)) {
        count(c, item);
        c->at++;
    } else if (!take_otherwise(c, type, body)) {
        char text[2] = {(char)type, '\0'};
        report(c, why, text);
    }
    if (c->cancel == CANCEL_SENT && at_rest(c)) {
        c->cancel = CANCEL_NONE;
    }
}

static bool is_fatal(uint8_t type, struct slice body)
{
    char sqlstate[6];

    return type == 'E' && !message_error(body, sqlstate);
}

static void take_login(struct client *c, uint8_t type, struct slice body)
{
    switch (type) {
    case 'R':
    case 'S':
        break;
    case 'K':
        memcpy(c->cancel_key, body.p, sizeof c->cancel_key);
        break;
    case 'Z':
        c->logged_in = true;
        break;
    default:
        report(c, "a wrong message in the login", "");
    }
}

static void take_message(struct client *c, uint8_t type, struct slice body)
{
    history_note_message(&c->history, type, body);
    if (c->oracle->may_lose && is_fatal(type, body)) {
        c->ending = true;
    } else if (c->ending) {
        report(c, "a message behind a fatal error", "");
    } else if (!c->logged_in) {
        take_login(c, type, body);
    } else if (type == 'S') {
        take_report(c, body);
    } else if (type == 'N' && message_says_waiting(body)) {
        return;
    } else {
        take_answer(c, type, body);
    }
}

static void take_messages(struct client *c)
{
    struct frame frame;

    while (!c->oracle->failed && frame_peek(buf_slice(&c->in), &frame) == FRAME_OK &&
           frame.size <= buf_size(&c->in)) {
        take_message(c, frame.type, frame_body(buf_slice(&c->in), &frame));
        buf_consume(&c->in, frame.size);
    }
    if (buf_size(&c->in) == 0) {
        buf_clear(&c->in);
    }
}

/* Returns false when the session is over. */
static bool hear(struct client *c)
{
    ssize_t n = read(c->source.fd, buf_reserve(&c->in, READ_MAX), READ_MAX);

    if (n < 0 && errno == EAGAIN) {
        return true;
    }
    if (n <= 0) {
        on_lost(c);
        return false;
    }
    buf_commit(&c->in, (size_t)n);
    c->heard_at = now_ms();
    take_messages(c);
    return true;
}

/* ---- cancels ---- */

static void on_cancel_events(struct source *source, uint32_t events)
{
    struct client *c = container_of(source, struct client, canceller);
    char byte;

    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || read(source->fd, &byte, 1) > 0) {
        return;
    }
    source_close(&c->oracle->reactor, source);
    c->cancel = at_rest(c) ? CANCEL_NONE : CANCEL_SENT;
}

static void ask_for_cancel(struct client *c)
{
    struct buf packet = {0};
    uint32_t pid = be32_read(c->cancel_key);

    if (c->cancel == CANCEL_ASKED || !c->logged_in || c->fragile) {
        return;
    }
    build_cancel(&packet, pid, slice_of(c->cancel_key + 4, 4));
    int fd = tcp_connect(c->oracle->proxy, 0);
    if (send(fd, buf_slice(&packet).p, buf_size(&packet), MSG_NOSIGNAL) != buf_size(&packet)) {
        die("send");
    }
    buf_release(&packet);
    source_open(&c->oracle->reactor, &c->canceller, fd, EPOLLIN, on_cancel_events);
    c->cancel = CANCEL_ASKED;
    c->oracle->stats.cancels++;
    history_note_remark(&c->history, "asks for a cancel");
}

/* ---- sending ---- */

static bool may_make_script(struct client *c)
{
    return c->logged_in && c->script.at == c->script.count && !c->oracle->stopping &&
           c->queued < QUEUE_MAX / 4 && now_ms() >= c->rests_until;
}

static void enqueue(struct client *c, const struct request *r)
{
    if (c->queued == QUEUE_MAX) {
        report(c, "too much was sent", "");
        return;
    }
    c->queue[(c->head + c->queued++) % QUEUE_MAX] = *r;
}

/* Turns requests into bytes, up to a gate that is closed. */
static void write_requests(struct client *c)
{
    struct sql_context context = context_of(c, 0);

    while (c->script.at < c->script.count && buf_size(&c->out) < OUT_ENOUGH) {
        const struct request *r = &c->script.items[c->script.at];
        if (r->gate && (buf_size(&c->out) > 0 || next_item(c) != NULL)) {
            return;
        }
        message_build(&c->out, r, &context);
        enqueue(c, r);
        history_note_request(&c->history, r);
        c->oracle->stats.requests++;
        c->script.at++;
    }
}

static void say_goodbye(struct client *c)
{
    static const uint8_t terminate[] = {WIRE_TERMINATE, 0, 0, 0, 4};

    (void)send(c->source.fd, terminate, sizeof terminate, MSG_NOSIGNAL);
    end_session(c);
    start_session(c);
}

/* May begin another session. */
static void make_script(struct client *c)
{
    bool quiet = next_item(c) == NULL;

    if (!quiet && !rng_chance(&c->rng, 30)) {
        return;
    }
    if (quiet && rng_once_in(&c->rng, 500)) {
        say_goodbye(c);
        return;
    }
    if (quiet && rng_chance(&c->rng, 20)) {
        c->rests_until = now_ms() + rng_below(&c->rng, 20);
    }
    if (quiet) {
        c->fragile = false;
    }
    c->script.cancellable = c->cancel != CANCEL_NONE;
    script_make(&c->script, &c->rng, &c->model, quiet);
    c->fragile = c->fragile || !c->script.cancellable;
}

/* Writes one segment. Returns false when the session is over. */
static bool speak(struct client *c)
{
    struct slice bytes = slice_head(buf_slice(&c->out), chop_size(&c->rng));
    ssize_t n = bytes.n == 0 ? 0 : send(c->source.fd, bytes.p, bytes.n, MSG_NOSIGNAL);

    if (n < 0) {
        return errno == EAGAIN || hear(c); /* what was said before the end comes first */
    }
    buf_consume(&c->out, (size_t)n);
    if (buf_size(&c->out) == 0) {
        buf_clear(&c->out);
    }
    if (n > 0 && rng_once_in(&c->rng, 60)) {
        ask_for_cancel(c);
    }
    if (n > 0 && rng_once_in(&c->rng, 300)) {
        c->silent_until = now_ms() + rng_below(&c->rng, 30);
    }
    if (n > 0 && rng_once_in(&c->rng, 1500)) {
        leave(c);
        return false;
    }
    return true;
}

static void watch(struct client *c)
{
    bool silent = now_ms() < c->silent_until;
    bool speaks = buf_size(&c->out) > 0;

    source_watch(&c->oracle->reactor, &c->source,
                 (silent ? 0U : EPOLLIN) | (speaks ? EPOLLOUT : 0U));
}

static void go_on(struct client *c)
{
    if (c->oracle->failed || c->source.fd < 0) {
        return;
    }
    if (may_make_script(c)) {
        make_script(c);
    }
    write_requests(c);
    watch(c);
}

static void on_events(struct source *source, uint32_t events)
{
    struct client *c = container_of(source, struct client, source);

    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !hear(c)) {
        return;
    }
    if ((events & EPOLLOUT) != 0 && !speak(c)) {
        return;
    }
    go_on(c);
}

/* ---- life ---- */

static void build_startup(struct client *c)
{
    size_t start = build_startup_begin(&c->out, WIRE_PROTOCOL_3_0);

    build_startup_parameter(&c->out, slice_str("user"), slice_str(c->oracle->user));
    build_startup_parameter(&c->out, slice_str("database"), slice_str(c->oracle->database));
    build_startup_parameter(&c->out, slice_str("app.tenant"), slice_str(c->tenant->name));
    build_startup_end(&c->out, start);
}

static void start_session(struct client *c)
{
    struct oracle *oracle = c->oracle;
    struct rng *rng = &oracle->rng;
    int receive_buffer = rng_chance(rng, 30) ? 4096 : 0;

    *c = (struct client){
        .oracle = oracle,
        .id = ++oracle->next_client,
        .tenant = &oracle->tenants[rng_below(rng, oracle->tenant_count)],
        .rng.state = rng_u64(rng),
        .canceller.fd = -1,
        .heard_at = now_ms(),
    };
    model_init(&c->model);
    build_startup(c);
    oracle->stats.sessions++;
    source_open(&oracle->reactor, &c->source, tcp_connect(oracle->proxy, receive_buffer),
                EPOLLIN | EPOLLOUT, on_events);
}

void client_start(struct client *c, struct oracle *oracle)
{
    c->oracle = oracle;
    start_session(c);
}

void client_tick(struct client *c, uint64_t now)
{
    bool owed = !c->logged_in || next_item(c) != NULL;

    if (client_is_done(c) && c->oracle->stopping) {
        end_session(c); /* or others would wait for a transaction that is left open */
        return;
    }
    if (!owed) {
        c->heard_at = now;
    } else if (now - c->heard_at > PATIENCE) {
        report(c, "no answer comes", "");
    }
    go_on(c);
}

bool client_is_done(struct client *c)
{
    return c->source.fd < 0 || (c->logged_in && c->script.at == c->script.count &&
                                buf_size(&c->out) == 0 && next_item(c) == NULL);
}

void client_stop(struct client *c)
{
    end_session(c);
}
