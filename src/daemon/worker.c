// SPDX-License-Identifier: MIT
#include "daemon/worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "daemon/user_lookup.h"
#include "proxy/refresh.h"
#include "proxy/wanderers.h"

enum { REFRESHES_MAX = 1000 }; /* names looked up in one turn */

/* An order in the mail; `run` is called on the worker's thread. */
struct order {
    struct mail mail;
    struct worker *worker;
    void (*run)(struct order *order);
    const struct realm *realm; /* set_realm */
    struct cancel_key key;     /* cancel */
    bool empty;                /* stop_listening */
    enum proxy_drain how;      /* drain */
    struct buf names;          /* refresh: of tenants that are left, each with a NUL; answer: one */
    struct err err;            /* answer */
};

static void deliver(struct mail *mail)
{
    struct order *order = container_of(mail, struct order, mail);

    order->run(order);
    free(order);
}

static struct order *new_order(struct worker *w, void (*run)(struct order *order))
{
    struct order *order = x_zalloc(sizeof *order);

    order->mail.deliver = deliver;
    order->worker = w;
    order->run = run;
    return order;
}

/* ---- on the worker's thread ---- */

static void on_client(struct listener *listener, int fd, const struct addr *peer, bool refuse)
{
    struct worker *w = listener->data;

    proxy_accept(&w->proxy, fd, peer, refuse);
}

static void on_console(void *data, struct console_client *client)
{
    struct worker *w = data;

    w->hooks.on_console(w->data, client);
}

static void on_cancel(void *data, const struct cancel_key *key)
{
    struct worker *w = data;

    w->hooks.on_cancel(w->data, key);
}

static void on_unknown(void *data, const char *tenant)
{
    struct worker *w = data;

    w->hooks.on_unknown(w->data, tenant);
}

static void on_tampering(void *data, const char *tenant)
{
    struct worker *w = data;

    w->hooks.on_tampering(w->data, tenant);
}

static void on_client_gone(void *data)
{
    struct worker *w = data;

    if (w->proxy.draining && w->proxy.client_count == 0) {
        w->hooks.on_drained(w->data);
    }
}

static void close_listeners(struct worker *w)
{
    for (size_t i = 0; i < w->sockets.count; i++) {
        if (w->started) {
            listener_close(&w->listeners[i]);
        } else {
            (void)close(w->sockets.fds[i]);
        }
    }
}

static void start_listening(struct worker *w)
{
    for (size_t i = 0; i < w->sockets.count; i++) {
        int rc = listener_start(&w->listeners[i], &w->loop, w->sockets.fds[i], on_client, w);
        if (rc < 0) {
            log_error("cannot poll a listening socket reason=\"%s\"", uv_strerror(rc));
        }
    }
}

static void run_thread(void *data)
{
    struct worker *w = data;

    start_listening(w);
    loop_run(&w->loop);
}

static void run_set_realm(struct order *order)
{
    proxy_set_realm(&order->worker->proxy, order->realm);
}

/* Many names, or a name with many clients, are worked off over several turns. */
static void run_refresh(struct order *order)
{
    struct proxy *proxy = &order->worker->proxy;

    for (int i = 0; i < REFRESHES_MAX && buf_size(&order->names) > 0; i++) {
        struct slice name = slice_str((const char *)buf_slice(&order->names).p);
        if (!refresh_tenant(proxy, name)) {
            break;
        }
        buf_consume(&order->names, name.n + 1);
    }
    if (buf_size(&order->names) > 0) {
        worker_refresh(order->worker, buf_slice(&order->names));
    }
    buf_release(&order->names);
}

static void run_answer(struct order *order)
{
    refresh_expecting(&order->worker->proxy, (const char *)buf_slice(&order->names).p,
                      order->err.code == 0 ? NULL : &order->err);
    buf_release(&order->names);
}

static void run_cancel(struct order *order)
{
    struct proxy *proxy = &order->worker->proxy;

    if (!proxy_cancel_own(proxy, &order->key)) {
        wanderers_ask(proxy, &order->key); /* or nobody has it */
    }
}

static void run_stop_listening(struct order *order)
{
    struct worker *w = order->worker;

    for (size_t i = 0; order->empty && i < w->sockets.count; i++) {
        listener_empty(&w->listeners[i]);
    }
    close_listeners(w);
}

static void run_drain(struct order *order)
{
    struct worker *w = order->worker;

    proxy_drain(&w->proxy, order->how);
    on_client_gone(w);
}

/* With everything closed the loop has nothing to wait for, and ends by itself. */
static void run_stop(struct order *order)
{
    struct worker *w = order->worker;

    close_listeners(w);
    proxy_close(&w->proxy);
    mailbox_let_end(&w->mailbox);
    loop_let_end(&w->loop);
}

/* ---- from other threads ---- */

int worker_init(struct worker *w, const struct listener_set *sockets, const struct realm *realm,
                struct worker_shared *shared, const struct worker_hooks *hooks, void *data)
{
    static const struct proxy_hooks proxy_hooks = {
        .on_console = on_console,
        .on_cancel = on_cancel,
        .on_tampering = on_tampering,
        .on_unknown = on_unknown,
        .on_client_gone = on_client_gone,
        .directory = &user_lookup_ops,
    };
    struct crew *crew = &shared->crew;

    w->hooks = *hooks;
    w->data = data;
    w->sockets = *sockets;
    int rc = loop_init(&w->loop);
    if (rc < 0) {
        return rc;
    }
    proxy_init(&w->proxy, &w->loop, crew->count, realm, &proxy_hooks, w);
    w->proxy.clients_in_all = &shared->clients;
    w->proxy.logins_in_all = &shared->logins;
    w->proxy.addresses = shared->addresses;
    w->proxy.pools.crew = crew;
    crew->members[crew->count++] =
        (struct crew_member){.box = &w->mailbox, .pools = &w->proxy.pools};
    return mailbox_init(&w->mailbox, &w->loop.uv);
}

int worker_start(struct worker *w)
{
    int rc = uv_thread_create(&w->thread, run_thread, w);

    w->started = rc == 0;
    return rc;
}

static void post(struct worker *w, struct order *order)
{
    mailbox_post(&w->mailbox, &order->mail);
}

void worker_set_realm(struct worker *w, const struct realm *realm)
{
    struct order *order = new_order(w, run_set_realm);

    order->realm = realm;
    post(w, order);
}

void worker_refresh(struct worker *w, struct slice names)
{
    struct order *order = new_order(w, run_refresh);

    buf_append_slice(&order->names, names);
    post(w, order);
}

void worker_answer(struct worker *w, const char *tenant, const struct err *err)
{
    struct order *order = new_order(w, run_answer);

    buf_append_cstr(&order->names, tenant);
    if (err != NULL) {
        order->err = *err;
    }
    post(w, order);
}

void worker_cancel(struct worker *w, const struct cancel_key *key)
{
    struct order *order = new_order(w, run_cancel);

    order->key = *key;
    post(w, order);
}

void worker_stop_listening(struct worker *w, bool empty)
{
    struct order *order = new_order(w, run_stop_listening);

    order->empty = empty;
    post(w, order);
}

void worker_drain(struct worker *w, enum proxy_drain how)
{
    struct order *order = new_order(w, run_drain);

    order->how = how;
    post(w, order);
}

void worker_stop(struct worker *w)
{
    post(w, new_order(w, run_stop));
}

bool worker_join(struct worker *w, const struct timespec *until)
{
    return !w->started || pthread_timedjoin_np(w->thread, NULL, until) == 0;
}

void worker_fini(struct worker *w)
{
    mailbox_close(&w->mailbox);
    loop_run(&w->loop);
    proxy_fini(&w->proxy);
    loop_fini(&w->loop);
}
