// SPDX-License-Identifier: MIT
#include "proxy/reply.h"

#include "wire/build.h"

void reply_welcome(struct buf *out, const struct parameters *welcome, const struct context *context,
                   const struct cancel_key *key)
{
    parameters_greet(welcome, context, out);
    build_backend_key(out, key->pid, slice_of(key->bytes, key->n));
    build_ready(out, 'I');
}
