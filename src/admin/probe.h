// SPDX-License-Identifier: MIT
//
// probe: whether somebody listens at one of a server's hosts: a connection is begun and ended.
// Blocks, bounded; for a thread that may.
#ifndef ADMIN_PROBE_H
#define ADMIN_PROBE_H

#include "config/config.h"

bool probe_server(const struct server_config *server);

#endif
