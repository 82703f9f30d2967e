// SPDX-License-Identifier: MIT
//
// world: a console with two workers, all on one loop, and a client at the other end of a
// socketpair. A test asks and gets what was answered, message by message as text: "T:a,b",
// "D:1,NULL", "C:SHOW", "E:42601 message", "N:00000 message", "Z". What hangs ends the test.
#ifndef ADMIN_WORLD_H
#define ADMIN_WORLD_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/admin.h"
#include "config/load.h"
#include "secret/fetch.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/frame.h"

#define WORLD_WORKERS  2
#define WORLD_PATIENCE 10000 /* ms */

static const char world_config[] =
    "servers: {main: {host: 127.0.0.1, port: 1}}\n"
    "auth: {method: trust}\n"
    "users: {app: {tenants: ['*']}}\n"
    "tenancy: {resolve: [{parameter: app.tenant}], unknown: template}\n"
    "tenants:\n"
    "  defaults: {server: main, database: app}\n"
    "  acme: {}\n"
    "  globex: {strategy: schema}\n"
    "  umbrella: {strategy: database, login: tenant}\n"
    "admin: {users: [admin], stats_users: [monitor]}\n";

struct world {
    struct loop loop;
    struct mailbox boxes[WORLD_WORKERS];
    struct proxy proxies[WORLD_WORKERS];
    struct budget budget;
    _Atomic uint32_t clients;
    _Atomic uint32_t logins;
    const struct realm *realm;
    struct admin *admin;
    int fd; /* the client's end */
    uv_timer_t patience;
    struct buf in;      /* received by the client */
    char text[1 << 16]; /* answers as text, a line each */
    int reloads;        /* asked for */
    int reload_result;  /* of the next */
    int shutdowns;
    enum admin_shutdown shutdown_mode;
};

static int world_on_reload(void *data, struct buf *report, struct err *err)
{
    struct world *w = data;

    w->reloads++;
    buf_printf(report, "changed log.level\nadded tenants.initech\n");
    return w->reload_result == 0 ? 0 : err_set(err, ERR_CONFIG, "RELOAD failed: line 3");
}

static void world_on_shutdown(void *data, enum admin_shutdown mode)
{
    struct world *w = data;

    w->shutdowns++;
    w->shutdown_mode = mode;
}

static const struct realm *world_on_realm(void *data)
{
    return ((struct world *)data)->realm;
}

static void world_on_impatience(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("nothing happens any more");
}

static inline const struct realm *world_make_realm(struct world *w, const char *text)
{
    static const uint8_t mock[32];
    struct config_faults faults = {0};
    const struct config *config = NULL;
    const struct secrets *secrets = NULL;
    struct buf lines = {0};
    struct err err = {0};
    struct budget *budgets[] = {&w->budget};

    ck_assert_int_eq(config_parse("test.yaml", slice_str(text), &config, &faults), 0);
    config_faults_fini(&faults);
    ck_assert_int_eq(fetch_secrets(config, &secrets, &lines), 0);
    const struct registry *registry = registry_build(config, NULL);
    config_unref(config);
    const struct realm *realm = realm_build(registry, secrets, NULL, budgets, mock, &err);
    ck_assert_ptr_nonnull(realm);
    return realm;
}

static inline void world_no_console(void *data, struct console_client *client)
{
    (void)data;
    (void)client;
}

static inline void world_start(struct world *w)
{
    static const struct proxy_hooks proxy_hooks = {.on_console = world_no_console};
    static const struct admin_hooks hooks = {
        .reload = world_on_reload, .shutdown = world_on_shutdown, .realm = world_on_realm};
    struct admin_worker workers[WORLD_WORKERS];

    memset(w, 0, sizeof *w);
    w->fd = -1;
    ck_assert_int_eq(loop_init(&w->loop), 0);
    (void)uv_timer_init(&w->loop.uv, &w->patience);
    w->realm = world_make_realm(w, world_config);
    for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
        ck_assert_int_eq(mailbox_init(&w->boxes[i], &w->loop.uv), 0);
        proxy_init(&w->proxies[i], &w->loop, i, realm_ref(w->realm), &proxy_hooks, w);
        w->proxies[i].clients_in_all = &w->clients;
        w->proxies[i].logins_in_all = &w->logins;
        workers[i] = (struct admin_worker){.box = &w->boxes[i], .proxy = &w->proxies[i]};
    }
    w->admin = admin_new(&w->loop, workers, WORLD_WORKERS, &hooks, w);
    ck_assert_ptr_nonnull(w->admin);
}

/* A console session with what the client had sent already. Returns the client's end. */
static inline int world_open(struct world *w, bool admin, struct slice pending)
{
    struct console_client client = {.admin = admin};
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    client.socket.fd = fds[1];
    (void)snprintf(client.user, sizeof client.user, "%s", admin ? "admin" : "monitor");
    buf_append_slice(&client.pending, pending);
    admin_accept(w->admin, &client);
    return fds[0];
}

/* Ends everything in the daemon's order; the loop must run dry and the slabs be empty. */
static inline void world_stop(struct world *w)
{
    admin_close(w->admin);
    for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
        proxy_close(&w->proxies[i]);
        mailbox_close(&w->boxes[i]);
    }
    uv_close((uv_handle_t *)&w->patience, NULL);
    loop_fini(&w->loop);
    for (uint32_t i = 0; i < WORLD_WORKERS; i++) {
        proxy_fini(&w->proxies[i]);
    }
    admin_free(w->admin);
    realm_unref(w->realm);
    buf_release(&w->in);
    if (w->fd >= 0) {
        (void)close(w->fd);
    }
}

static inline void world_turn(struct world *w)
{
    (void)uv_timer_start(&w->patience, world_on_impatience, WORLD_PATIENCE, 0);
    loop_turn(&w->loop, true);
    (void)uv_timer_stop(&w->patience);
}

/* ---- the client ---- */

static inline void world_send(int fd, const struct buf *bytes)
{
    struct slice s = buf_slice(bytes);

    ck_assert_int_eq(write(fd, s.p, s.n), (ssize_t)s.n);
}

/* What has come so far; false at the end of the stream. */
static inline bool world_receive(int fd, struct buf *in)
{
    uint8_t *p = buf_reserve(in, 65536);
    ssize_t n = read(fd, p, 65536);

    buf_commit(in, n > 0 ? (size_t)n : 0);
    return n != 0;
}

static inline void world_note(struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline void world_note(struct world *w, const char *fmt, ...)
{
    size_t at = strlen(w->text);
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(w->text + at, sizeof w->text - at, fmt, args);
    va_end(args);
    ck_assert_int_lt(n, (int)(sizeof w->text - at));
}

static inline void world_note_columns(struct world *w, struct slice body)
{
    struct cursor c = cursor_of(body);
    uint16_t count = cursor_be16(&c);

    for (uint16_t i = 0; i < count; i++) {
        struct slice name = cursor_cstr(&c);
        world_note(w, "%s%.*s", i == 0 ? "" : ",", (int)name.n, (const char *)name.p);
        (void)cursor_bytes(&c, 18);
    }
    ck_assert(!c.bad && c.left.n == 0);
}

static inline void world_note_row(struct world *w, struct slice body)
{
    struct cursor c = cursor_of(body);
    uint16_t count = cursor_be16(&c);

    for (uint16_t i = 0; i < count; i++) {
        uint32_t n = cursor_be32(&c);
        struct slice value = n == UINT32_MAX ? slice_str("NULL") : cursor_bytes(&c, n);
        world_note(w, "%s%.*s", i == 0 ? "" : ",", (int)value.n, (const char *)value.p);
    }
    ck_assert(!c.bad && c.left.n == 0);
}

static inline void world_note_message(struct world *w, uint8_t type, struct slice body)
{
    struct error_fields fields;

    world_note(w, "%c", type);
    switch (type) {
    case WIRE_ROW_DESCRIPTION:
        world_note(w, ":");
        world_note_columns(w, body);
        break;
    case WIRE_DATA_ROW:
        world_note(w, ":");
        world_note_row(w, body);
        break;
    case WIRE_COMMAND_COMPLETE:
        world_note(w, ":%s", (const char *)body.p);
        break;
    case WIRE_ERROR:
    case WIRE_NOTICE:
        ck_assert_int_eq(error_parse(body, &fields), 0);
        world_note(w, ":%.*s %.*s %.*s", (int)fields.severity.n, (const char *)fields.severity.p,
                   (int)fields.sqlstate.n, (const char *)fields.sqlstate.p, (int)fields.message.n,
                   (const char *)fields.message.p);
        break;
    default:
        break;
    }
    world_note(w, "\n");
}

/* Runs until `readies` ReadyForQuery have come or the session was closed ("-"), and returns all
 * that was said as text. */
static inline const char *world_await(struct world *w, int fd, int readies)
{
    struct frame frame;

    w->text[0] = '\0';
    while (readies > 0) {
        struct slice s = buf_slice(&w->in);
        if (frame_peek(s, &frame) == FRAME_OK && frame.size <= s.n) {
            world_note_message(w, frame.type, frame_body(s, &frame));
            buf_consume(&w->in, frame.size);
            readies -= frame.type == WIRE_READY ? 1 : 0;
            continue;
        }
        if (!world_receive(fd, &w->in)) {
            world_note(w, "-\n");
            break;
        }
        if (buf_size(&w->in) == s.n) {
            world_turn(w);
        }
    }
    return w->text;
}

/* Opens the session of the world. */
static inline void world_login(struct world *w, bool admin)
{
    w->fd = world_open(w, admin, SLICE_EMPTY);
    (void)world_await(w, w->fd, 1);
}

static inline const char *world_ask(struct world *w, const char *command)
{
    struct buf out = {0};

    build_query(&out, command);
    world_send(w->fd, &out);
    buf_release(&out);
    return world_await(w, w->fd, 1);
}

#define ck_assert_says(text, part)                                                                 \
    ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" is not in \"%s\"", (part), (text))

#endif
