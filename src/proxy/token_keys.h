// SPDX-License-Identifier: MIT
//
// token_keys: the keys that tokens are checked with: of a file, read with the configuration, or of
// an address, fetched when a token names a key that is not known, at most once in TOKEN_KEYS_PAUSE.
// Used from libuv's thread pool only, where a check may block on a fetch; one fetches, the others
// go on with what is there. The lock is held for a moment, never by a loop.
#ifndef PROXY_TOKEN_KEYS_H
#define PROXY_TOKEN_KEYS_H

#include "auth/jwt.h"
#include "config/config.h"

#define TOKEN_KEYS_PAUSE 30 /* seconds */

struct token_keys;

/* NULL with err set where the file is none; an address is not asked yet. */
struct token_keys *token_keys_new(const struct jwt_config *config, struct slice file,
                                  struct err *err);
void token_keys_free(struct token_keys *keys); /* NULL is allowed */

/* As jwt_check, at the present time. */
int token_keys_check(struct token_keys *keys, struct slice token, struct jwt_claims *claims,
                     struct err *err);

#endif
