// SPDX-License-Identifier: MIT
//
// verify_login: how `fahrenctl verify` logs in through the proxy as a tenant: by the first rule of
// tenancy.resolve that can be followed, as the user that was named, or as the first one that may
// enter the tenant. Blocks on the connection.
#ifndef CTL_VERIFY_LOGIN_H
#define CTL_VERIFY_LOGIN_H

#include <libpq-fe.h>

#include "base/err.h"
#include "config/config.h"
#include "ctl/options.h"

/* NULL with err set. End it with PQfinish. */
PGconn *verify_login(const struct config *config, const struct options *options, const char *tenant,
                     struct err *err);

#endif
