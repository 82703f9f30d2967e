// SPDX-License-Identifier: MIT
//
// origin: what a line in the log is about, that tells of a pool, a server connection, or a client
// that waits. The tenant is that of the pool, where it serves one only; else the one whose context
// a connection is in, or who waits for it first. Names are borrowed. The worker's thread.
#ifndef POOL_ORIGIN_H
#define POOL_ORIGIN_H

#include "pool/pool.h"

struct log_origin origin_of_pool(const struct pool *pool);
struct log_origin origin_of_connection(const struct backend *b);
struct log_origin origin_of_request(const struct pool_request *request);

#endif
