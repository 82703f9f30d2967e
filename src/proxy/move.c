// SPDX-License-Identifier: MIT
#include "proxy/move.h"

#include <stdlib.h>

#include "proxy/client_login.h"
#include "proxy/relocate.h"

static void deliver(struct mail *mail)
{
    struct move *move = container_of(mail, struct move, mail);

    if (move->to->closed) {
        move_drop(move);
    } else {
        frontend_arrive(move->to, move);
    }
    free(move);
}

void move_post(struct move *move, const struct crew *crew, uint32_t worker)
{
    const struct crew_member *member = &crew->members[worker];

    move->mail.deliver = deliver;
    move->to = container_of(member->pools, struct proxy, pools);
    mailbox_post(member->box, &move->mail);
}

void move_drop(struct move *move)
{
    conn_socket_close(move->socket);
    buf_release(&move->in);
    client_login_free(move->login);
    luggage_free(move->luggage);
    realm_unref(move->realm);
    proxy_uncount(move->to, &move->peer);
}
