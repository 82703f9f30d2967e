// SPDX-License-Identifier: MIT
#include "admin/admin.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/console.h"
#include "admin/state.h"
#include "admin/stats_sum.h"
#include "base/alloc.h"

struct admin *admin_new(struct loop *loop, const struct admin_worker *workers, uint32_t count,
                        const struct admin_hooks *hooks, void *data)
{
    struct admin *admin = x_zalloc(sizeof *admin);

    if (mailbox_init(&admin->box, &loop->uv) < 0) {
        free(admin);
        return NULL;
    }
    admin->loop = loop;
    admin->workers = x_alloc(count * sizeof *workers);
    memcpy(admin->workers, workers, count * sizeof *workers);
    admin->worker_count = count;
    admin->hooks = *hooks;
    admin->data = data;
    admin->stats.older.at = admin->stats.newer.at = loop_now(loop);
    list_init(&admin->consoles);
    return admin;
}

void admin_accept(struct admin *admin, struct console_client *client)
{
    if (admin->closing) {
        conn_socket_close(client->socket);
        buf_release(&client->pending);
        return;
    }
    console_new(admin, client);
}

void admin_close_box_if_done(struct admin *admin)
{
    if (admin->closing && admin->mails == 0 && !admin->box_closed) {
        admin->box_closed = true;
        mailbox_close(&admin->box);
    }
}

void admin_close(struct admin *admin)
{
    admin->closing = true;
    while (!list_empty(&admin->consoles)) {
        console_close(container_of(list_head(&admin->consoles), struct console, node));
    }
    admin_close_box_if_done(admin);
}

void admin_free(struct admin *admin)
{
    assert(admin->box_closed && admin->console_count == 0);
    stats_history_fini(&admin->stats);
    gates_fini(&admin->gates);
    free(admin->workers);
    free(admin);
}
