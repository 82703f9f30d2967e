// SPDX-License-Identifier: MIT
#include "net/mailbox.h"

static bool deliver_all(struct mailbox *box)
{
    struct list batch;
    struct list *node;

    list_init(&batch);
    (void)pthread_mutex_lock(&box->lock);
    list_splice_tail(&batch, &box->waiting);
    (void)pthread_mutex_unlock(&box->lock);
    bool any = !list_empty(&batch);
    while ((node = list_pop_head(&batch)) != NULL) {
        struct mail *mail = container_of(node, struct mail, node);
        mail->deliver(mail);
    }
    return any;
}

static void on_async(uv_async_t *async)
{
    (void)deliver_all(container_of(async, struct mailbox, async));
}

int mailbox_init(struct mailbox *box, uv_loop_t *uv)
{
    list_init(&box->waiting);
    (void)pthread_mutex_init(&box->lock, NULL);
    return uv_async_init(uv, &box->async, on_async);
}

void mailbox_post(struct mailbox *box, struct mail *mail)
{
    (void)pthread_mutex_lock(&box->lock);
    list_push_tail(&box->waiting, &mail->node);
    (void)pthread_mutex_unlock(&box->lock);
    (void)uv_async_send(&box->async); /* fails only on a handle of another kind */
}

void mailbox_let_end(struct mailbox *box)
{
    uv_unref((uv_handle_t *)&box->async);
}

void mailbox_close(struct mailbox *box)
{
    while (deliver_all(box)) {
    }
    uv_close((uv_handle_t *)&box->async, NULL);
}
