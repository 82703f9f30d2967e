// SPDX-License-Identifier: MIT
//
// reply: the messages that we make ourselves for clients. Pure: they go into a buf.
#ifndef PROXY_REPLY_H
#define PROXY_REPLY_H

#include "base/buf.h"
#include "base/err.h"
#include "pool/parameters.h"
#include "proxy/cancel_key.h"

/* ParameterStatus of a welcome, with the client's own value where its context has one;
 * then BackendKeyData and ReadyForQuery. */
void reply_welcome(struct buf *out, const struct parameters *welcome, const struct context *context,
                   const struct cancel_key *key);

#endif
