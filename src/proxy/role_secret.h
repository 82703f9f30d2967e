// SPDX-License-Identifier: MIT
//
// role_secret: the password of a tenant's own role, from the store that secrets.store names. It is
// fetched in libuv's thread pool; the callback comes from the loop, once, or never after
// role_secret_cancel. Frees itself; the secret is cleared. One thread but for that.
#ifndef PROXY_ROLE_SECRET_H
#define PROXY_ROLE_SECRET_H

#include "net/loop.h"
#include "proxy/enter.h"
#include "proxy/realm.h"

struct role_secret;

/* The secret found is NULL where no store is configured: the server may trust. err is NULL unless
 * it failed. */
typedef void (*role_secret_cb)(void *data, const struct enter_secret *found, const struct err *err);

/* NULL where it cannot be started. */
struct role_secret *role_secret_fetch(struct loop *loop, const struct realm *realm,
                                      const struct enter_secret *wanted, role_secret_cb cb,
                                      void *data);
void role_secret_cancel(struct role_secret *fetch);

#endif
