// SPDX-License-Identifier: MIT
//
// role_secret: the password of a tenant's own role, from the store that secrets.store names: a file
// of the role's name, or derived from a master key. Files are read in libuv's thread pool; the
// callback comes from the loop, once, or never after role_secret_cancel. Frees itself; the secret
// is cleared. One thread but for that.
#ifndef PROXY_ROLE_SECRET_H
#define PROXY_ROLE_SECRET_H

#include "net/loop.h"
#include "proxy/realm.h"

struct role_secret;

/* `secret` is NULL where no store is configured: the server may trust. On failure err is set. */
typedef void (*role_secret_cb)(void *data, const char *secret, const struct err *err);

/* NULL where it cannot be started. */
struct role_secret *role_secret_fetch(struct loop *loop, const struct realm *realm,
                                      const char *role, role_secret_cb cb, void *data);
void role_secret_cancel(struct role_secret *fetch);

#endif
