// SPDX-License-Identifier: MIT
//
// role_secret: the password of a tenant's own role, from the store that secrets.store names, or one
// that the configuration names. It is fetched in libuv's thread pool, once for all who want it at
// the time, and a few at once only: others need the threads too. The callback comes from the loop,
// once, or never after role_secret_cancel; the secret is cleared behind it. The proxy's thread.
#ifndef PROXY_ROLE_SECRET_H
#define PROXY_ROLE_SECRET_H

#include "net/loop.h"
#include "proxy/realm.h"
#include "secret/store.h"
#include "tenant/name.h"

struct role_secret;
struct secret_fetch;

/* What one proxy is fetching. Cleared at first. */
struct role_secrets {
    struct secret_fetch *fetches; /* uthash by what is wanted */
    struct list under_way;        /* all of them */
};

/* The password of a tenant's role. */
struct enter_secret {
    char role[NAME_SIZE]; /* what is wanted: set by enter when it needs it, else empty */
    uint32_t epoch;       /* … and which of a row of derived ones */
    const char *secret;   /* what was fetched for it, before enter is called again; NULL for none */
};

/* What is wanted of which realm. */
struct secret_order {
    const struct realm *realm;
    struct enter_secret role;     /* the role of a tenant; or, where its name is empty, … */
    const struct secret_ref *ref; /* … this one of the realm's configuration */
    bool fresh;                   /* what is remembered was refused by the server */
    enum store_turn turn;         /* which of the role's */
};

/* The secret found is NULL where no store is configured: the server may trust. err is NULL unless
 * it failed. */
typedef void (*role_secret_cb)(void *data, const struct enter_secret *found, const struct err *err);

void role_secrets_init(struct role_secrets *secrets);

/* Nothing is called back any more. Whoever waits must have cancelled. */
void role_secrets_close(struct role_secrets *secrets);

struct role_secret *role_secret_fetch(struct role_secrets *secrets, struct loop *loop,
                                      const struct secret_order *order, role_secret_cb cb,
                                      void *data);
void role_secret_cancel(struct role_secret *waiter);

#endif
