// SPDX-License-Identifier: MIT
#include "proxy/wanderers.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "proxy/frontend.h"

struct key_mail {
    struct mail mail;
    struct proxy *to;
    struct cancel_key key;
};

void wanderers_add(struct frontend *f, const struct cancel_key *key)
{
    struct wanderer *w = x_zalloc(sizeof *w); /* the key is hashed whole, padding as well */

    w->key.pid = key->pid;
    w->key.n = key->n;
    memcpy(w->key.bytes, key->bytes, key->n);
    w->owner = f;
    f->wanderer = w;
    HASH_ADD(hh, f->proxy->wanderers, key, sizeof w->key, w);
    (void)atomic_fetch_add(&f->proxy->pools.crew->wanderers, 1);
}

void wanderers_remove(struct frontend *f)
{
    if (f->wanderer != NULL) {
        HASH_DEL(f->proxy->wanderers, f->wanderer);
        free(f->wanderer);
        f->wanderer = NULL;
        (void)atomic_fetch_sub(&f->proxy->pools.crew->wanderers, 1);
    }
}

static void deliver(struct mail *mail)
{
    struct key_mail *m = container_of(mail, struct key_mail, mail);
    struct wanderer *w;

    HASH_FIND(hh, m->to->wanderers, &m->key, sizeof m->key, w);
    if (w != NULL) {
        frontend_cancel(w->owner);
    }
    free(m);
}

void wanderers_ask(struct proxy *proxy, const struct cancel_key *key)
{
    const struct crew *crew = proxy->pools.crew;

    if (crew == NULL || atomic_load(&crew->wanderers) == 0) {
        return;
    }
    for (uint32_t i = 0; i < crew->count; i++) {
        struct key_mail *m = x_zalloc(sizeof *m);
        m->mail.deliver = deliver;
        m->to = container_of(crew->members[i].pools, struct proxy, pools);
        m->key.pid = key->pid;
        m->key.n = key->n;
        memcpy(m->key.bytes, key->bytes, key->n);
        mailbox_post(crew->members[i].box, &m->mail);
    }
}
