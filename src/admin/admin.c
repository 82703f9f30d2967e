// SPDX-License-Identifier: MIT
#include "admin/admin.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/console.h"
#include "admin/http.h"
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
    admin->started = admin->stats.older.at = admin->stats.newer.at = loop_now(loop);
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

const char *admin_tenant_state(const struct admin *admin, struct slice tenant)
{
    struct tenant_from_template storage;
    uint32_t flags = gates_get(&admin->gates, GATE_TENANT, tenant);
    const struct tenant *found =
        registry_find_or_template(realm_registry(admin_realm(admin)), tenant, &storage);

    return (flags & GATE_SUSPENDED) != 0 ? tenant_state_name(TENANT_SUSPENDED)
           : (flags & GATE_PAUSED) != 0  ? tenant_state_name(TENANT_PAUSED)
           : found == NULL               ? "gone"
                                         : tenant_state_name(found->state);
}

void admin_close_box_if_done(struct admin *admin)
{
    if (admin->closing && admin->mails == 0 && !admin->box_closed) {
        admin->box_closed = true;
        mailbox_close(&admin->box);
    }
}

int admin_serve_http(struct admin *admin, const struct config *config, struct listen_stock *stock,
                     struct err *err)
{
    if (config->http.port == 0) {
        return 0;
    }
    admin->http = http_new(admin, config, stock, err);
    return admin->http == NULL ? err->code : 0;
}

size_t admin_http_sockets(const struct admin *admin, const int **fds)
{
    return admin->http == NULL ? 0 : http_sockets(admin->http, fds);
}

void admin_hand_over_http(struct admin *admin)
{
    if (admin->http != NULL) {
        http_hand_over(admin->http);
    }
}

void admin_note_draining(struct admin *admin)
{
    admin->draining = true;
}

void admin_close(struct admin *admin)
{
    if (admin->http != NULL) {
        http_close(admin->http); /* first: it asks by the box */
    }
    admin->closing = true;
    while (!list_empty(&admin->consoles)) {
        console_close(container_of(list_head(&admin->consoles), struct console, node));
    }
    admin_close_box_if_done(admin);
}

void admin_free(struct admin *admin)
{
    assert(admin->box_closed && admin->console_count == 0);
    http_free(admin->http);
    stats_history_fini(&admin->stats);
    gates_fini(&admin->gates);
    levels_fini(&admin->levels);
    free(admin->workers);
    free(admin);
}
