// SPDX-License-Identifier: MIT
//
// show_servers: every server connection. Its tenant is the last that it served.
#include "admin/show.h"

#include "admin/record.h"
#include "admin/socket.h"

static const struct column columns[] = {
    SOCKET_COLUMNS, {"tenant", COLUMN_TEXT}, {"server", COLUMN_TEXT}, {"worker", COLUMN_INT}};

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    struct record_walk walk = {.answers = gather};
    const struct socket_record *r;

    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        row_begin(rows);
        socket_render(admin, rows, r);
        row_text(rows, r->tenant);
        row_text(rows, r->server);
        row_int(rows, r->worker);
        row_end(rows);
    }
}

const struct show show_servers = {
    .columns = COLUMNS(columns),
    .collect = socket_collect_servers,
    .render = render,
};
