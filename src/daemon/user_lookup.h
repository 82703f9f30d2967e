// SPDX-License-Identifier: MIT
//
// user_lookup: how a worker's directory asks a server: auth.query through libpq, in the thread
// pool.
#ifndef DAEMON_USER_LOOKUP_H
#define DAEMON_USER_LOOKUP_H

#include "proxy/directory.h"

extern const struct directory_ops user_lookup_ops;

#endif
