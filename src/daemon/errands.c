// SPDX-License-Identifier: MIT
#include "daemon/errands.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

struct errand {
    struct mail mail;
    const struct errands *errands;
    void (*run)(struct errand *errand);
    struct console_client client; /* console */
    struct cancel_key key;        /* cancel */
    char tenant[NAME_SIZE];       /* tampering, unknown */
};

static void deliver(struct mail *mail)
{
    struct errand *errand = container_of(mail, struct errand, mail);

    errand->run(errand);
    free(errand);
}

static struct errand *new_errand(const struct errands *errands, void (*run)(struct errand *errand))
{
    struct errand *errand = x_zalloc(sizeof *errand);

    errand->mail.deliver = deliver;
    errand->errands = errands;
    errand->run = run;
    return errand;
}

static void post(struct errand *errand)
{
    mailbox_post(errand->errands->box, &errand->mail);
}

static void run_console(struct errand *errand)
{
    errand->errands->ops->console(errand->errands->data, &errand->client);
}

void errands_console(void *errands, struct console_client *client)
{
    struct errand *errand = new_errand(errands, run_console);

    errand->client = *client;
    post(errand);
}

static void run_cancel(struct errand *errand)
{
    errand->errands->ops->cancel(errand->errands->data, &errand->key);
}

void errands_cancel(void *errands, const struct cancel_key *key)
{
    struct errand *errand = new_errand(errands, run_cancel);

    errand->key = *key;
    post(errand);
}

static void run_tampering(struct errand *errand)
{
    errand->errands->ops->tampering(errand->errands->data, errand->tenant);
}

void errands_tampering(void *errands, const char *tenant)
{
    struct errand *errand = new_errand(errands, run_tampering);

    (void)snprintf(errand->tenant, sizeof errand->tenant, "%s", tenant);
    post(errand);
}

static void run_unknown(struct errand *errand)
{
    errand->errands->ops->unknown(errand->errands->data, errand->tenant);
}

void errands_unknown(void *errands, const char *tenant)
{
    struct errand *errand = new_errand(errands, run_unknown);

    (void)snprintf(errand->tenant, sizeof errand->tenant, "%s", tenant);
    post(errand);
}

static void run_drained(struct errand *errand)
{
    errand->errands->ops->drained(errand->errands->data);
}

void errands_drained(void *errands)
{
    post(new_errand(errands, run_drained));
}
