// SPDX-License-Identifier: MIT
#include "stage.h"

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "secret/fetch.h"
#include "loops.h"
#include "script.h"
#include "wire/build.h"
#include "wire/error.h"

static const struct realm *make_realm(struct stage *s, const char *text)
{
    static const uint8_t mock[32];
    struct config_faults faults = {0};
    const struct config *config = NULL;
    const struct secrets *secrets = NULL;
    struct budget *budgets[] = {&s->budget};
    struct buf report = {0};
    struct err err = {0};

    int rc = config_parse("test.yaml", slice_str(text), &config, &faults);
    config_faults_print(&faults, &report);
    buf_append_u8(&report, 0);
    ck_assert_msg(rc == 0, "%s", (const char *)report.p);
    config_faults_fini(&faults);
    ck_assert_int_eq(fetch_secrets(config, &secrets, &report), 0);
    buf_release(&report);
    const struct registry *registry = registry_build(config, NULL);
    atomic_store(&s->budget.max, (uint32_t)config->servers[0].max_connections);
    config_unref(config);
    const struct realm *realm = realm_build(registry, secrets, NULL, budgets, mock, &err);
    ck_assert_msg(realm != NULL, "%s", err.text);
    return realm;
}

static void on_console(void *data, struct console_client *client)
{
    struct stage *s = data;

    s->consoles++;
    s->console = *client;
}

static void on_cancel(void *data, const struct cancel_key *key)
{
    struct stage *s = data;

    (void)key;
    s->foreign_cancels++;
}

static void on_client_gone(void *data)
{
    ((struct stage *)data)->gone++;
}

void stage_begin_with(struct stage *s, const char *server, const char *tenants, const char *more)
{
    static const struct proxy_hooks hooks = {
        .on_console = on_console,
        .on_cancel = on_cancel,
        .on_client_gone = on_client_gone,
    };
    struct buf text = {0};

    memset(s, 0, sizeof *s);
    loops_begin(&s->loop);
    list_init(&s->clients);
    s->server = server_new(&s->loop, true);
    buf_printf(&text, "servers: {main: {host: 127.0.0.1, port: %d, %s}}\n", s->server->port,
               server);
    buf_printf(&text, "tenancy: {resolve: [{user: '{user}.{tenant}'}]}\n");
    buf_printf(&text, "tenants: %s\n", tenants);
    buf_printf(&text, "%s\n", more);
    buf_append_u8(&text, 0);
    s->realm = make_realm(s, (const char *)text.p);
    buf_release(&text);
    proxy_init(&s->proxy, &s->loop, 3, realm_ref(s->realm), &hooks, s);
    s->proxy.clients_in_all = &s->clients_in_all;
    s->proxy.logins_in_all = &s->logins_in_all;
}

void stage_begin(struct stage *s, const char *server, const char *tenants)
{
    stage_begin_with(s, server, tenants, "auth: {method: trust}");
}

static void drop_clients(struct stage *s)
{
    while (!list_empty(&s->clients)) {
        struct peer *client = container_of(list_head(&s->clients), struct peer, node);
        struct slice left = buf_slice(&client->got);
        ck_assert_msg(left.n == 0, "a client got '%c', which nobody expected", left.p[0]);
        peer_drop(client);
    }
}

void stage_end(struct stage *s)
{
    drop_clients(s);
    proxy_close(&s->proxy);
    server_close(s->server);
    loop_let_end(&s->loop);
    loop_run(&s->loop);
    ck_assert_uint_eq(s->proxy.frontends.live, 0);
    ck_assert_uint_eq(s->proxy.client_count, 0);
    ck_assert_uint_eq(s->proxy.pools.backends.live, 0);
    ck_assert_uint_eq(s->proxy.pools.contexts.count, 0);
    ck_assert_uint_eq(atomic_load(&s->clients_in_all), 0);
    ck_assert_uint_eq(atomic_load(&s->logins_in_all), 0);
    ck_assert_uint_eq(atomic_load(&s->budget.used), 0);
    proxy_fini(&s->proxy);
    realm_unref(s->realm);
    if (s->consoles > 0) {
        (void)close(s->console.socket.fd);
        buf_release(&s->console.pending);
    }
    loops_end(&s->loop);
}

struct peer *stage_connect(struct stage *s)
{
    struct addr none = {.family = AF_UNIX};
    int fd;
    struct peer *client = peer_pair(&s->loop, &fd);

    list_push_tail(&s->clients, &client->node);
    proxy_accept(&s->proxy, fd, &none, false);
    return client;
}

struct peer *stage_knock(struct stage *s, const char *user)
{
    struct buf out = {0};
    struct peer *client = stage_connect(s);
    size_t start = build_startup_begin(&out, WIRE_PROTOCOL_3_0);

    build_startup_parameter(&out, slice_str("user"), slice_str(user));
    build_startup_parameter(&out, slice_str("database"), slice_str("shop"));
    build_startup_end(&out, start);
    peer_send_buf(client, &out);
    return client;
}

struct peer *stage_login(struct stage *s, const char *user)
{
    struct peer *client = stage_knock(s, user);

    peer_expect(client, "R" STAGE_GREETING);
    return client;
}

struct frontend *stage_frontend(struct stage *s)
{
    ck_assert(!list_empty(&s->proxy.clients));
    return container_of(list_tail(&s->proxy.clients), struct frontend, node);
}

void stage_ask(struct peer *client, const char *letters)
{
    struct buf out = {0};

    script_client(&out, letters);
    peer_send_buf(client, &out);
}

void stage_answer(struct peer *server, const char *letters)
{
    struct buf out = {0};

    script_server(&out, letters);
    peer_send_buf(server, &out);
}

void stage_query(struct peer *client, const char *sql)
{
    struct buf out = {0};

    build_query(&out, sql);
    peer_send_buf(client, &out);
}

void stage_expect_query(struct peer *server, const char *sql)
{
    struct slice body = peer_take(server, 'Q');

    ck_assert_msg(body.n == strlen(sql) + 1 && memcmp(body.p, sql, body.n) == 0,
                  "the server was asked \"%s\"", (const char *)body.p);
}

const char *stage_expect_error(struct peer *client, const char *sqlstate)
{
    struct error_fields fields;

    ck_assert_int_eq(error_parse(peer_take(client, 'E'), &fields), 0);
    ck_assert_msg(slice_eq_str(fields.sqlstate, sqlstate), "%.*s: %s", 5,
                  (const char *)fields.sqlstate.p, (const char *)fields.message.p);
    return (const char *)fields.message.p;
}

struct state_fact {
    struct stage *s;
    enum frontend_state state;
};

static bool is_in_state(void *data)
{
    const struct state_fact *fact = data;

    return !list_empty(&fact->s->proxy.clients) && stage_frontend(fact->s)->state == fact->state;
}

void stage_until_state(struct stage *s, enum frontend_state state)
{
    struct state_fact fact = {.s = s, .state = state};

    loops_until(&s->loop, is_in_state, &fact, "a client's state");
}
