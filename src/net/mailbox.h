// SPDX-License-Identifier: MIT
//
// mailbox: the one way from thread to thread. A mail is embedded in whatever it carries; posting
// hands that over, delivery runs on the loop that owns the box. The batch is taken under the lock
// and delivered outside it. mailbox_post may be called from any thread; the rest belongs to the
// owner.
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <pthread.h>
#include <uv.h>

#include "base/list.h"

struct mail {
    struct list node;
    void (*deliver)(struct mail *mail); /* owns the mail from then on */
};

struct mailbox {
    uv_async_t async;
    pthread_mutex_t lock; /* waiting */
    struct list waiting;
};

int mailbox_init(struct mailbox *box, uv_loop_t *uv);
void mailbox_post(struct mailbox *box, struct mail *mail);

/* From here on the box does not keep its loop running. Mail may still be posted: it is delivered as
 * long as the loop runs, or by mailbox_close. */
void mailbox_let_end(struct mailbox *box);

/* Delivers what is left, and what that posts here, and closes; nobody may post afterwards. */
void mailbox_close(struct mailbox *box);

#endif
