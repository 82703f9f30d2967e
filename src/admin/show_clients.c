// SPDX-License-Identifier: MIT
//
// show_clients: every client connection, and the consoles themselves.
#include "admin/show.h"

#include "admin/console.h"
#include "admin/record.h"
#include "admin/socket.h"

static const struct column columns[] = {
    SOCKET_COLUMNS, {"tenant", COLUMN_TEXT}, {"server", COLUMN_TEXT}, {"worker", COLUMN_INT}};

static void render_record(struct admin *admin, struct rows *rows, const struct socket_record *r)
{
    row_begin(rows);
    socket_render(admin, rows, r);
    row_text(rows, r->tenant);
    row_text(rows, r->server);
    row_int(rows, r->worker);
    row_end(rows);
}

static void render_console(struct admin *admin, struct rows *rows, const struct console *c)
{
    struct socket_record r = {
        .type = 'C',
        .state = "active",
        .worker = CREW_IDS - 1, /* no worker: it is on the control thread */
        .addr = c->peer,
        .id = c->id,
        .connected_at = c->connected_at,
        .request_at = c->request_at,
    };

    record_name(r.user, c->user);
    record_name(r.database, admin_config(admin)->admin.database);
    socket_local_addr(&c->conn, &r.local);
    socket_describe_tls(&c->conn, r.tls, sizeof r.tls);
    render_record(admin, rows, &r);
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    struct record_walk walk = {.answers = gather};
    const struct socket_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        render_record(admin, rows, r);
    }
    for (struct list *node = admin->consoles.next; node != &admin->consoles; node = node->next) {
        render_console(admin, rows, container_of(node, struct console, node));
    }
}

const struct show show_clients = {
    .columns = COLUMNS(columns),
    .collect = socket_collect_clients,
    .render = render,
};
