// SPDX-License-Identifier: MIT
#include "proxy/proxy.h"

#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "proxy/frontend.h"
#include "proxy/passwords.h"
#include "proxy/renewal.h"
#include "proxy/seals.h"
#include "wire/error.h"
#include "wire/types.h"

/* ms for who has come before a drain and said nothing yet */
#define PATIENCE 2000

static struct budget *budget_of(void *data, const char *server)
{
    const struct proxy *proxy = data;

    return realm_budget(proxy->realm, server);
}

static struct tls_context *server_tls_of(void *data, const char *server)
{
    const struct proxy *proxy = data;

    return realm_server_tls(proxy->realm, server);
}

static void adopt_realm(struct proxy *proxy, const struct realm *realm)
{
    proxy->realm = realm;
    proxy->message_max = (uint32_t)realm_config(realm)->limits.message_size;
    proxy->pools.slow_wait = (uint64_t)realm_config(realm)->log.slow_wait;
}

void proxy_init(struct proxy *proxy, struct loop *loop, uint32_t worker, const struct realm *realm,
                const struct proxy_hooks *hooks, void *data)
{
    proxy->loop = loop;
    proxy->worker = worker;
    proxy->hooks = *hooks;
    proxy->data = data;
    list_init(&proxy->strangers);
    list_init(&proxy->expecting);
    list_init(&proxy->clients);
    list_init(&proxy->renewals);
    deadline_init(&proxy->patience);
    role_secrets_init(&proxy->secrets);
    pools_init(&proxy->pools, loop, budget_of, proxy);
    adopt_realm(proxy, realm);
    proxy->pools.renew_secret = renewal_begin;
    proxy->pools.worker = worker;
    proxy->pools.server_tls = server_tls_of;
    slab_init(&proxy->frontends, sizeof(struct frontend));
    proxy->directory = directory_new(loop, hooks->directory);
    rand_bytes(proxy->cancel_secret, sizeof proxy->cancel_secret);
}

/* Descriptors have run out; there is just enough to say so. */
static void refuse_client(int fd)
{
    struct buf out = {0};
    struct err err;

    (void)err_set(&err, ERR_TOO_MANY, "no more connections allowed: out of file descriptors");
    error_build(&out, WIRE_ERROR, "FATAL", &err);
    (void)write(fd, out.p, out.len);
    buf_release(&out);
    (void)close(fd);
}

void proxy_accept(struct proxy *proxy, int fd, const struct addr *peer, bool refuse)
{
    if (refuse) {
        refuse_client(fd);
    } else {
        frontend_new(proxy, fd, peer);
    }
}

void proxy_uncount(struct proxy *proxy, const struct addr *peer)
{
    atomic_fetch_sub(proxy->clients_in_all, 1);
    if (proxy->addresses != NULL) {
        addresses_remove(proxy->addresses, peer);
    }
}

void proxy_set_realm(struct proxy *proxy, const struct realm *realm)
{
    const struct config *before = realm_config(proxy->realm);
    bool reloaded = before != realm_config(realm);

    realm_unref(proxy->realm);
    adopt_realm(proxy, realm);
    if (reloaded) { /* else it is about tenants that nobody here need know */
        directory_forget(proxy->directory);
        pools_reconfigure(&proxy->pools, realm_config(realm));
        passwords_refresh(proxy);
        seals_refresh(proxy);
    }
}

void proxy_cancel(struct proxy *proxy, const struct cancel_key *key)
{
    proxy->cancels++;
    if (!proxy_cancel_own(proxy, key)) {
        proxy->hooks.on_cancel(proxy->data, key);
    }
}

bool proxy_cancel_own(struct proxy *proxy, const struct cancel_key *key)
{
    struct frontend *f =
        slot_worker(key->pid) == proxy->worker ? slots_find(&proxy->slots, key->pid) : NULL;

    if (f == NULL) {
        return false;
    }
    struct cancel_key own = frontend_cancel_key(f);
    if (!cancel_key_equal(&own, key)) {
        return false;
    }
    frontend_cancel(f);
    return true;
}

static void close_when_idle(struct proxy *proxy)
{
    list_each_safe (node, tmp, &proxy->clients) {
        frontend_close_when_idle(container_of(node, struct frontend, node));
    }
}

static void on_patience_over(struct deadline *deadline)
{
    struct proxy *proxy = container_of(deadline, struct proxy, patience);

    proxy->lenient = false;
    proxy->refusing = true;
    close_when_idle(proxy);
}

void proxy_drain(struct proxy *proxy, enum proxy_drain how)
{
    proxy->draining = true;
    switch (how) {
    case PROXY_DRAIN_HANDED_OVER:
        break;
    case PROXY_DRAIN_CLIENTS:
        proxy->refusing = true;
        break;
    case PROXY_DRAIN_SERVERS:
        proxy->refusing = true;
        close_when_idle(proxy);
        break;
    case PROXY_DRAIN_BETWEEN:
        proxy->lenient = true;
        deadline_arm(&proxy->loop->deadlines, &proxy->patience, PATIENCE, on_patience_over);
        close_when_idle(proxy);
        break;
    }
}

void proxy_close(struct proxy *proxy)
{
    proxy->draining = true;
    proxy->refusing = true;
    proxy->closed = true;
    proxy->lenient = false;
    deadline_disarm(&proxy->patience);
    while (!list_empty(&proxy->clients)) {
        struct err err;
        (void)err_set(&err, ERR_SHUTDOWN, "pooler is shutting down");
        frontend_close(container_of(list_head(&proxy->clients), struct frontend, node), &err);
    }
    directory_free(proxy->directory);
    proxy->directory = NULL;
    pools_close(&proxy->pools);
    renewal_cancel_all(proxy);
    role_secrets_close(&proxy->secrets);
}

void proxy_fini(struct proxy *proxy)
{
    pools_fini(&proxy->pools);
    account_free_all(&proxy->users);
    slots_fini(&proxy->slots);
    slab_fini(&proxy->frontends);
    buf_release(&proxy->assembly);
    realm_unref(proxy->realm);
}
