// SPDX-License-Identifier: MIT
#include "proxy/reply.h"

#include "wire/build.h"

void reply_welcome(struct buf *out, const struct pool *pool, const struct context *context,
                   uint32_t pid, const uint8_t key[4])
{
    parameters_greet(&pool->welcome, context, out);
    build_backend_key(out, pid, slice_of(key, 4));
    build_ready(out, 'I');
}
