// SPDX-License-Identifier: MIT
#include "pooling.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/load.h"
#include "loops.h"
#include "tenant/strategy.h"

static struct budget *budget_of(void *data, const char *server)
{
    struct pooling *p = data;

    ck_assert_str_eq(server, "main");
    return &p->budget;
}

static const struct config *load(const char *text)
{
    const struct config *config = NULL;
    struct config_faults faults = {0};
    struct buf report = {0};

    int rc = config_parse("test.yaml", slice_str(text), &config, &faults);
    config_faults_print(&faults, &report);
    buf_append_u8(&report, 0);
    ck_assert_msg(rc == 0, "%s", (const char *)report.p);
    buf_release(&report);
    config_faults_fini(&faults);
    return config;
}

void pooling_begin(struct pooling *p, const char *servers, const char *tenants)
{
    struct buf text = {0};
    *p = (struct pooling){0};
    loops_begin(&p->loop);
    p->server = server_new(&p->loop, true);
    buf_printf(&text, "servers: {main: {host: 127.0.0.1, port: %d, %s}}\n", p->server->port,
               servers);
    buf_printf(&text, "tenants: %s\n", tenants);
    buf_append_u8(&text, 0);
    p->config = load((const char *)text.p);
    buf_release(&text);
    p->registry = registry_build(p->config, NULL);
    atomic_store(&p->budget.max, (uint32_t)p->config->servers[0].max_connections);
    pools_init(&p->pools, &p->loop, budget_of, p);
}

void pooling_end(struct pooling *p)
{
    struct pool *pool;
    struct pool *next;

    pools_close(&p->pools);
    HASH_ITER (hh, p->pools.pools, pool, next) {
        while (pool->refs > 0) {
            pool_unref(pool);
        }
    }
    server_close(p->server);
    loop_let_end(&p->loop);
    loop_run(&p->loop); /* what is under way on its own, as a cancel is, comes to its end */
    loops_end(&p->loop);
    ck_assert_uint_eq(p->pools.count, 0);
    ck_assert_uint_eq(p->pools.backends.live, 0);
    ck_assert_uint_eq(p->pools.contexts.count, 0);
    ck_assert_uint_eq(atomic_load(&p->budget.used), 0);
    pools_fini(&p->pools);
    registry_unref(p->registry);
    config_unref(p->config);
}

struct lane *pooling_lane(struct pooling *p, const char *name)
{
    struct tenant storage;
    const struct tenant *tenant = registry_find(p->registry, slice_str(name), &storage);
    struct login login = {.user = slice_str("app"), .database = slice_str("shop")};
    struct plan plan;
    struct err err = {0};

    ck_assert_ptr_nonnull(tenant);
    ck_assert_msg(strategy_plan(tenant, &login, &plan, &err) == 0, "%s", err.text);
    struct pool_key key;
    pool_key_build(&key, tenant, &plan, 0, false);
    struct pool_order order = {
        .key = &key, .plan = &plan, .settings = &tenant->config->pool, .config = p->config};
    struct pool *pool = pools_find_or_add(&p->pools, &order, &err);
    ck_assert_msg(pool != NULL, "%s", err.text);
    pool_ref(pool);
    return lane_find_or_add(pool, pools_account(&p->pools, slice_str(name)), tenant->config);
}

/* ---- customers ---- */

static bool on_bytes(void *user, struct slice bytes)
{
    buf_append_slice(&((struct customer *)user)->got, bytes);
    return false;
}

static bool on_report(void *user, struct slice name, struct slice value)
{
    (void)user;
    (void)name;
    (void)value;
    return true;
}

static void on_event(void *user)
{
    (void)user;
}

static void on_lost(void *user, const struct err *err)
{
    struct customer *c = user;

    c->lost++;
    c->err = *err;
    c->backend = NULL;
    pool_lost(&c->request);
}

static void on_deallocated(void *user, bool all)
{
    (void)user;
    (void)all;
}

static const struct backend_user_ops user_ops = {
    .on_bytes = on_bytes,
    .on_report = on_report,
    .on_reported = on_event,
    .on_switched = on_event,
    .on_deallocated = on_deallocated,
    .on_rest = on_event,
    .on_settled = on_event,
    .on_drained = on_event,
    .on_switch_failed = on_lost,
    .on_lost = on_lost,
};

static void hold(struct customer *c, struct backend *backend)
{
    c->backend = backend;
    c->granted = ++c->p->grants;
    backend_link(backend, &user_ops, c);
    backend_set_context(backend, c->request.context);
}

static void on_granted(struct pool_request *request, struct backend *backend)
{
    hold(container_of(request, struct customer, request), backend);
}

static void on_refused(struct pool_request *request, const struct err *err)
{
    struct customer *c = container_of(request, struct customer, request);

    c->refused++;
    c->err = *err;
}

static const struct pool_request_ops request_ops = {
    .on_granted = on_granted,
    .on_refused = on_refused,
};

void customer_init(struct customer *c, struct lane *lane, const char *tag)
{
    struct pools *pools = lane->pool->owner;
    struct context_setting setting = {slice_str("app.tag"), slice_str(tag), true};

    *c = (struct customer){.p = pools->data};
    c->request = (struct pool_request){.lane = lane, .ops = &request_ops};
    list_init(&c->request.node);
    c->request.context = context_intern(&pools->contexts, lane, &setting, 1);
    c->request.birth = birth_find_or_add(lane->pool, NULL, 0);
    pool_note_birth(lane->pool, c->request.birth);
}

void customer_set_zone(struct customer *c, const char *zone)
{
    struct pool *pool = c->request.lane->pool;
    struct context_setting setting = {slice_str("TimeZone"), slice_str(zone), false};

    birth_unref(c->request.birth);
    c->request.birth = birth_find_or_add(pool, &setting, 1);
    pool_note_birth(pool, c->request.birth);
}

void customer_fini(struct customer *c)
{
    lane_withdraw(&c->request);
    if (c->backend != NULL) {
        customer_leave(c);
    }
    context_unref(&c->p->pools.contexts, c->request.context);
    birth_unref(c->request.birth);
    buf_release(&c->got);
}

int customer_ask(struct customer *c)
{
    struct backend *backend = NULL;
    int rc = pool_acquire(&c->request, &backend, &c->err);

    if (rc > 0) {
        hold(c, backend);
    }
    return rc;
}

static bool is_served(void *data)
{
    const struct customer *c = data;

    return c->backend != NULL || c->refused > 0;
}

void customer_get(struct customer *c)
{
    ck_assert_int_ge(customer_ask(c), 0);
    loops_until(&c->p->loop, is_served, c, "a connection for a customer");
    ck_assert_msg(c->backend != NULL, "refused: %s", c->err.text);
}

void customer_leave(struct customer *c)
{
    struct backend *backend = c->backend;

    c->backend = NULL;
    pool_release(&c->request, backend, NULL, false);
}

struct customer *crowd_new(struct lane *lane, int count)
{
    struct customer *crowd = x_alloc((size_t)count * sizeof *crowd);

    for (int i = 0; i < count; i++) {
        customer_init(&crowd[i], lane, "crowd");
        ck_assert_int_eq(customer_ask(&crowd[i]), 0);
    }
    return crowd;
}

void crowd_free(struct customer *crowd, int count)
{
    for (int i = 0; i < count; i++) {
        customer_fini(&crowd[i]);
    }
    free(crowd);
}
