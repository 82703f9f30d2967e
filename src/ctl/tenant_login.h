// SPDX-License-Identifier: MIT
//
// tenant_login: how fahrenctl logs in through the proxy as a tenant, and how others would: by the
// first rule of tenancy.resolve that can be followed, as the user that was named, or as the first
// one that may enter the tenant. Blocks on the connection.
#ifndef CTL_TENANT_LOGIN_H
#define CTL_TENANT_LOGIN_H

#include <libpq-fe.h>

#include "base/err.h"
#include "config/config.h"
#include "base/buf.h"
#include "ctl/options.h"

/* NULL with err set. End it with PQfinish. */
PGconn *tenant_login(const struct config *config, const struct options *options, const char *tenant,
                     struct err *err);

/* The connection string of that, without a password, appended. */
int tenant_login_url(const struct config *config, const struct options *options, const char *tenant,
                     struct buf *out, struct err *err);

#endif
