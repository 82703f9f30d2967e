// SPDX-License-Identifier: MIT
#include "admin/socket.h"

#include <stdio.h>
#include <sys/socket.h>

#include "admin/record.h"
#include "proxy/frontend.h"
#include "proxy/statements.h"

#define FILLS_MAX 200 /* records filled in one turn */

void socket_local_addr(const struct conn *conn, struct addr *addr)
{
    struct sockaddr_storage sa = {.ss_family = 0};
    socklen_t size = sizeof sa;

    *addr = (struct addr){.family = 0};
    if (conn->watch.fd >= 0 && getsockname(conn->watch.fd, (struct sockaddr *)&sa, &size) == 0) {
        addr_from_sockaddr(addr, (const struct sockaddr *)&sa);
    }
}

void socket_describe_tls(const struct conn *conn, char *out, size_t size)
{
    out[0] = '\0';
    if (conn->tls != NULL && !conn->tls->shaking) {
        tls_describe(conn->tls, out, size);
    }
}

/* ---- rows ---- */

/* "C257": what stands in ptr and link, so that both ends can be found in a listing. */
static void render_pointer(struct rows *rows, char type, uint64_t id)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%c%llu", type, (unsigned long long)id);

    row_slice(rows, slice_of(text, (size_t)n));
}

static void render_times(struct admin *admin, struct rows *rows, const struct socket_record *r)
{
    uint64_t now = loop_now(admin->loop);
    uint64_t wait = r->waiting_since != 0 && now > r->waiting_since ? now - r->waiting_since : 0;

    show_moment(admin, rows, r->connected_at);
    show_moment(admin, rows, r->request_at);
    row_int(rows, (int64_t)(wait / 1000));
    row_int(rows, (int64_t)(wait % 1000 * 1000));
}

void socket_render(struct admin *admin, struct rows *rows, const struct socket_record *r)
{
    row_slice(rows, slice_of(&r->type, 1));
    row_text(rows, r->user);
    row_text(rows, r->database);
    row_text(rows, "none");
    row_text(rows, r->state);
    show_address(rows, &r->addr);
    show_address(rows, &r->local);
    render_times(admin, rows, r);
    row_int(rows, r->close_needed);
    render_pointer(rows, r->type, r->id);
    if (r->linked) {
        render_pointer(rows, r->type == 'C' ? 'S' : 'C', r->link);
    } else {
        row_text(rows, "");
    }
    row_int(rows, r->remote_pid);
    row_text(rows, r->tls);
    row_text(rows, r->application_name);
    row_int(rows, r->prepared_statements);
    row_int(rows, (int64_t)r->id);
}

/* ---- clients ---- */

static void name_application(struct socket_record *r, const struct context *context)
{
    const struct context_setting *setting =
        context == NULL ? NULL : context_find(context, slice_str("application_name"));

    if (setting != NULL) {
        record_name_slice(r->application_name, setting->value);
    }
}

static void collect_client(struct proxy *proxy, const struct frontend *f, struct buf *out)
{
    struct socket_record *r = record_add(out, sizeof *r);

    r->type = 'C';
    r->worker = proxy->worker;
    r->state = frontend_state_name(f);
    r->close_needed = f->closing_soon;
    r->id = f->id;
    r->addr = f->peer;
    r->connected_at = f->connected_at;
    r->request_at = f->request_at;
    r->has_slot = f->has_slot;
    r->slot = f->slot;
    r->body_left = f->body_left;
    r->unread = buf_size(&f->in);
    r->unsent = buf_size(&f->conn.out);
    r->prepared_statements = HASH_COUNT(f->statements);
    socket_describe_tls(&f->conn, r->tls, sizeof r->tls);
    record_name(r->user, f->user);
    if (f->request.lane != NULL) {
        const struct pool *pool = f->request.lane->pool;
        record_name(r->database, pool->database);
        record_name(r->server, pool->server->name);
        record_name(r->tenant, f->request.lane->account->name);
        name_application(r, f->request.context);
        if (f->application_name != NULL) {
            record_name(r->application_name, f->application_name);
        }
    }
    if (f->state == FRONTEND_WAITING) {
        r->waiting_since = f->request.since;
    }
    if (f->backend != NULL) {
        r->linked = true;
        r->link = f->backend->id;
    }
}

static void collect_clients(struct proxy *proxy, struct buf *out)
{
    (void)buf_reserve(out, proxy->client_count * sizeof(struct socket_record));
    for (struct list *node = proxy->clients.next; node != &proxy->clients; node = node->next) {
        collect_client(proxy, container_of(node, struct frontend, node), out);
    }
}

/* One that has gone meanwhile keeps an empty address. */
static void fill_local_addr(const struct proxy *proxy, struct socket_record *r)
{
    const struct frontend *f =
        r->has_slot ? slots_find(&proxy->slots, slot_pid(proxy->worker, r->slot)) : NULL;

    if (f != NULL && f->id == r->id) {
        socket_local_addr(&f->conn, &r->local);
    }
}

/* Some records further; part->state is how many are done, plus one. */
static enum gather_step fill_local_addrs(const struct proxy *proxy, struct gather_part *part)
{
    struct socket_record *records = (struct socket_record *)(void *)part->answer.p;
    size_t count = buf_size(&part->answer) / sizeof *records;
    size_t at = part->state - 1;
    size_t end = at + FILLS_MAX < count ? at + FILLS_MAX : count;

    for (; at < end; at++) {
        fill_local_addr(proxy, &records[at]);
    }
    part->state = at + 1;
    return at < count ? GATHER_AGAIN : GATHER_DONE;
}

/* ---- servers ---- */

/* PgBouncer's words. */
static const char *server_state(const struct backend *b)
{
    switch (b->state) {
    case BACKEND_CONNECTING:
    case BACKEND_LOGIN:
        return "login";
    case BACKEND_IDLE:
        return "idle";
    case BACKEND_LINKED:
        return "active";
    case BACKEND_CLEANING:
        return "tested";
    case BACKEND_HELD:
        return "being_canceled";
    case BACKEND_CLOSED:
    case BACKEND_STATES:
        break;
    }
    return "closed";
}

static void collect_server(struct proxy *proxy, const struct pool *pool, const struct backend *b,
                           struct buf *out)
{
    struct socket_record *r = record_add(out, sizeof *r);

    r->type = 'S';
    r->worker = proxy->worker;
    r->state = server_state(b);
    r->close_needed = b->close_when_free;
    r->remote_pid = b->pid;
    r->id = b->id;
    r->connected_at = b->connected_at;
    r->request_at = b->used_at;
    r->body_left = b->body_left;
    r->unread = buf_size(&b->in);
    r->unsent = buf_size(&b->conn.out);
    r->prepared_statements = b->statements.count;
    socket_describe_tls(&b->conn, r->tls, sizeof r->tls);
    record_name(r->user, pool->role);
    record_name(r->database, pool->database);
    record_name(r->server, pool->server->name);
    if (b->state != BACKEND_CONNECTING) {
        r->addr = b->peer;
        socket_local_addr(&b->conn, &r->local);
        /* A socket of the Unix family has no port, but the server is known by one. */
        r->addr.port = r->addr.family == AF_UNIX ? (uint16_t)b->port : r->addr.port;
    }
    if (backend_in_force(b) != NULL) {
        record_name(r->tenant, context_lane(b->context)->account->name);
        name_application(r, b->context);
    }
    if (b->user != NULL) {
        r->linked = true;
        r->link = ((const struct frontend *)b->user)->id;
    }
}

static void collect_servers(struct proxy *proxy, struct buf *out)
{
    struct pool *pool;
    struct pool *next;

    HASH_ITER (hh, proxy->pools.pools, pool, next) {
        for (struct list *node = pool->all.next; node != &pool->all; node = node->next) {
            collect_server(proxy, pool, container_of(node, struct backend, pool_node), out);
        }
    }
}

/* ---- steps ---- */

enum gather_step socket_collect_clients(struct proxy *proxy, const struct question *question,
                                        struct gather_part *part)
{
    (void)question;
    if (part->state == 0) {
        collect_clients(proxy, &part->answer);
        part->state = 1;
    }
    return fill_local_addrs(proxy, part);
}

enum gather_step socket_collect_servers(struct proxy *proxy, const struct question *question,
                                        struct gather_part *part)
{
    (void)question;
    collect_servers(proxy, &part->answer);
    return GATHER_DONE;
}

enum gather_step socket_collect_all(struct proxy *proxy, const struct question *question,
                                    struct gather_part *part)
{
    if (part->state == 0) {
        collect_clients(proxy, &part->answer);
        collect_servers(proxy, &part->answer);
        part->state = 1;
    }
    return socket_collect_clients(proxy, question, part);
}
