// SPDX-License-Identifier: MIT
//
// show_sockets: SHOW SOCKETS and ACTIVE_SOCKETS: both sides of every connection, with what lies in
// its buffers. Positions in buffers are 0: bytes are kept from the front on.
#include "admin/show.h"

#include "admin/record.h"
#include "admin/socket.h"

static const struct column columns[] = {
    SOCKET_COLUMNS,
    {"recv_pos", COLUMN_INT},
    {"pkt_pos", COLUMN_INT},
    {"pkt_remain", COLUMN_INT},
    {"send_pos", COLUMN_INT},
    {"send_remain", COLUMN_INT},
    {"pkt_avail", COLUMN_INT},
    {"send_avail", COLUMN_INT},
    {"tenant", COLUMN_TEXT},
    {"server", COLUMN_TEXT},
    {"worker", COLUMN_INT},
};

static void render_record(struct admin *admin, struct rows *rows, const struct socket_record *r)
{
    row_begin(rows);
    socket_render(admin, rows, r);
    row_int(rows, 0);
    row_int(rows, 0);
    row_int(rows, r->body_left);
    row_int(rows, 0);
    row_int(rows, r->unsent);
    row_int(rows, r->unread);
    row_int(rows, r->unsent);
    row_text(rows, r->tenant);
    row_text(rows, r->server);
    row_int(rows, r->worker);
    row_end(rows);
}

static void render_all(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    struct record_walk walk = {.answers = gather};
    const struct socket_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        render_record(admin, rows, r);
    }
}

/* Those that are linked, or wait to be. */
static void render_active(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    struct record_walk walk = {.answers = gather};
    const struct socket_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        if (r->linked || r->waiting_since != 0) {
            render_record(admin, rows, r);
        }
    }
}

const struct show show_sockets = {
    .columns = COLUMNS(columns), .collect = socket_collect_all, .render = render_all};

const struct show show_active_sockets = {
    .columns = COLUMNS(columns), .collect = socket_collect_all, .render = render_active};
