// SPDX-License-Identifier: MIT
#include "admin/gather.h"

#include <stdlib.h>

#include "base/alloc.h"

struct gather {
    struct admin *admin;
    struct question question;
    gather_work work;
    gather_cb done; /* NULL when forgotten */
    void *data;
    uint32_t count;
    uint32_t left; /* parts that have not come back */
    struct gather_part parts[];
};

static void free_gather(struct gather *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        buf_release(&g->parts[i].answer);
    }
    free(g);
}

/* On the control thread. */
static void on_returned(struct mail *mail)
{
    struct gather *g = container_of(mail, struct gather_part, mail)->gather;
    struct admin *admin = g->admin;

    admin->mails--;
    if (--g->left == 0) {
        if (g->done != NULL) {
            g->done(g->data, g);
        }
        free_gather(g);
    }
    admin_close_box_if_done(admin);
}

/* On the worker's thread, likewise below. */
static void do_work(struct gather_part *part)
{
    const struct gather *g = part->gather;

    switch (g->work(part->worker->proxy, &g->question, part)) {
    case GATHER_AGAIN:
        mailbox_post(part->worker->box, &part->mail);
        break;
    case GATHER_WAIT:
        if (list_empty(&part->watch.node)) {
            list_push_tail(&part->worker->proxy->pools.watches, &part->watch.node);
        }
        break;
    case GATHER_DONE:
        list_remove(&part->watch.node);
        part->mail.deliver = on_returned;
        mailbox_post(&g->admin->box, &part->mail);
        break;
    }
}

static void on_asked(struct mail *mail)
{
    do_work(container_of(mail, struct gather_part, mail));
}

static void on_change(struct pools_watch *watch)
{
    do_work(container_of(watch, struct gather_part, watch));
}

struct gather *gather_start(struct admin *admin, const struct question *question, gather_work work,
                            gather_cb done, void *data)
{
    uint32_t count = admin->worker_count;
    struct gather *g = x_zalloc(sizeof *g + count * sizeof g->parts[0]);

    g->admin = admin;
    g->question = *question;
    g->work = work;
    g->done = done;
    g->data = data;
    g->count = g->left = count;
    admin->mails += count;
    for (uint32_t i = 0; i < count; i++) {
        g->parts[i].mail.deliver = on_asked;
        g->parts[i].watch.on_change = on_change;
        list_init(&g->parts[i].watch.node);
        g->parts[i].gather = g;
        g->parts[i].worker = &admin->workers[i];
        mailbox_post(admin->workers[i].box, &g->parts[i].mail);
    }
    return g;
}

void gather_forget(struct gather *gather)
{
    gather->done = NULL;
}

uint32_t gather_count(const struct gather *gather)
{
    return gather->count;
}

struct slice gather_answer(const struct gather *gather, uint32_t worker)
{
    return buf_slice(&gather->parts[worker].answer);
}
