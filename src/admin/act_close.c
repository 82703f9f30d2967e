// SPDX-License-Identifier: MIT
//
// act_close: the commands that close connections: RECONNECT and WAIT_CLOSE those to servers, KILL,
// KILL_CLIENT and SUSPEND TENANT those of clients. Many clients are closed by and by, so that the
// worker's loop is not held up.
#include "admin/act.h"

#include "admin/console.h"
#include "admin/record.h"
#include "admin/scope.h"
#include "admin/socket.h"
#include "proxy/frontend.h"

#define CLOSES_MAX 200 /* clients closed in one turn */

/* ---- RECONNECT, WAIT_CLOSE ---- */

static bool retire(struct pool *pool)
{
    pool_retire_connections(pool);
    return true;
}

static enum gather_step retire_connections(struct proxy *proxy, const struct question *q,
                                           struct gather_part *part)
{
    (void)part;
    (void)scope_each(proxy, q, retire);
    return GATHER_DONE;
}

static bool has_none_to_close(struct pool *pool)
{
    for (struct list *node = pool->all.next; node != &pool->all; node = node->next) {
        if (container_of(node, struct backend, pool_node)->close_when_free) {
            return false;
        }
    }
    return true;
}

static enum gather_step wait_for_closes(struct proxy *proxy, const struct question *q,
                                        struct gather_part *part)
{
    (void)part;
    return scope_each(proxy, q, has_none_to_close) ? GATHER_DONE : GATHER_WAIT;
}

static void on_done(struct console *c, const struct gather *answers)
{
    (void)answers;
    console_done(c, c->command.kind->value);
}

void act_reconnect(struct console *c, const struct command *command)
{
    struct question q = scope_question(command);

    console_gather(c, &q, retire_connections, on_done);
}

void act_wait_close(struct console *c, const struct command *command)
{
    struct question q = scope_question(command);

    console_gather(c, &q, wait_for_closes, on_done);
}

/* ---- KILL ---- */

static bool close_connections(struct pool *pool)
{
    pool_close_connections(pool);
    return true;
}

static bool is_in_scope(const struct frontend *f, const struct question *q)
{
    return f->request.lane != NULL && scope_has(q, f->request.lane->pool);
}

/* The pools are paused, so that nothing that is released goes to another client meanwhile. */
static enum gather_step kill_clients(struct proxy *proxy, const struct question *q,
                                     struct gather_part *part)
{
    int closed = 0;
    struct err err;

    if (part->state == 0) {
        part->state = 1;
        scope_shut(proxy, q, GATE_PAUSED);
        (void)scope_each(proxy, q, close_connections);
    }
    (void)err_set(&err, ERR_SHUTDOWN, "database removed: killed by an administrator");
    list_each_safe (node, tmp, &proxy->clients) {
        struct frontend *f = container_of(node, struct frontend, node);
        if (is_in_scope(f, q)) {
            if (closed++ == CLOSES_MAX) {
                return GATHER_AGAIN;
            }
            frontend_close(f, &err);
        }
    }
    return GATHER_DONE;
}

void act_kill(struct console *c, const struct command *command)
{
    struct question q = scope_question(command);
    struct err err;

    if (((c->admin->gates.all | scope_flags(&c->admin->gates, &q)) &
         (GATE_PAUSED | GATE_SUSPENDED)) != 0) {
        (void)err_set(&err, ERR_WRONG_STATE, "already suspended/paused: RESUME before KILL");
        console_fail(c, &err);
        return;
    }
    scope_note_shut(&c->admin->gates, &q, GATE_PAUSED);
    console_gather(c, &q, kill_clients, on_done);
}

/* ---- KILL_CLIENT ---- */

struct killed {
    uint32_t count;
};

static void disconnect_error(struct err *err)
{
    (void)err_set(err, ERR_SHUTDOWN, "admin forced disconnect");
}

static enum gather_step kill_client(struct proxy *proxy, const struct question *q,
                                    struct gather_part *part)
{
    struct err err;

    disconnect_error(&err);
    for (struct list *node = proxy->clients.next; node != &proxy->clients; node = node->next) {
        struct frontend *f = container_of(node, struct frontend, node);
        if (f->id == q->number) {
            struct killed *killed = record_add(&part->answer, sizeof *killed);
            killed->count = 1;
            frontend_close(f, &err);
            break;
        }
    }
    return GATHER_DONE;
}

static void on_client_killed(struct console *c, const struct gather *answers)
{
    struct record_walk walk = {.answers = answers};
    struct err err;

    if (record_next(&walk, sizeof(struct killed)) != NULL) {
        console_done(c, "KILL_CLIENT");
        return;
    }
    (void)err_set(&err, ERR_INVALID_VALUE, "client %llu not found",
                  (unsigned long long)c->command.number);
    console_fail(c, &err);
}

static struct console *find_console(struct admin *admin, uint64_t number)
{
    for (struct list *node = admin->consoles.next; node != &admin->consoles; node = node->next) {
        struct console *c = container_of(node, struct console, node);
        if (c->id == number) {
            return c;
        }
    }
    return NULL;
}

void act_kill_client(struct console *c, const struct command *command)
{
    struct question q = {.scope = GATHER_CLIENT, .number = command->number};
    struct console *other = find_console(c->admin, command->number);
    struct err err;

    if (other == NULL) {
        console_gather(c, &q, kill_client, on_client_killed);
        return;
    }
    disconnect_error(&err);
    console_kill(other, &err);
    if (other != c) {
        console_done(c, "KILL_CLIENT");
    }
}

/* ---- SUSPEND TENANT ---- */

static void on_suspended(struct console *c, const struct gather *answers)
{
    (void)answers;
    act_keep_state(c, TENANT_SUSPENDED);
}

/* Closing one may serve another that waits, and end it; so the head is looked at anew each time. */
enum gather_step act_close_tenant(struct proxy *proxy, const struct question *q,
                                  struct gather_part *part)
{
    struct account *account;
    struct list *node;
    struct err err;

    if (part->state == 0) {
        part->state = 1;
        scope_shut(proxy, q, GATE_SUSPENDED);
    }
    HASH_FIND_STR(proxy->pools.accounts, q->name, account);
    (void)err_set(&err, ERR_SUSPENDED, "tenant \"%s\" is suspended", q->name);
    for (int i = 0; account != NULL && (node = list_head(&account->clients_list)) != NULL; i++) {
        if (i == CLOSES_MAX) {
            return GATHER_AGAIN;
        }
        frontend_close(container_of(node, struct frontend, account_node), &err);
    }
    return GATHER_DONE;
}

void act_suspend_tenant(struct console *c, const struct command *command)
{
    struct question q;
    struct err err;

    if (!act_tenant_question(c, command, &q)) {
        return;
    }
    if ((scope_flags(&c->admin->gates, &q) & GATE_SUSPENDED) != 0 || act_is_suspended(c, &q)) {
        (void)err_set(&err, ERR_WRONG_STATE, "tenant \"%s\" is already suspended", q.name);
        console_fail(c, &err);
        return;
    }
    scope_note_shut(&c->admin->gates, &q, GATE_SUSPENDED);
    console_gather(c, &q, act_close_tenant, on_suspended);
}
