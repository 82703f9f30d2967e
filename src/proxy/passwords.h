// SPDX-License-Identifier: MIT
//
// passwords: what pools log in to their servers with, by the realm in force: told to all of them
// when another configuration comes into force, since pools and their clients outlive a reload, and
// passwords are changed by one. (A client that enters brings its own pool up to date as well.) The
// worker's thread.
#ifndef PROXY_PASSWORDS_H
#define PROXY_PASSWORDS_H

#include "proxy/proxy.h"

void passwords_refresh(struct proxy *proxy);

#endif
