// SPDX-License-Identifier: MIT
//
// aws_keys: what to sign requests to AWS with. Looked for as AWS's own programs do, the first that
// is there is taken: the environment, a web identity (a pod's service account), the shared
// credentials file, the container's endpoint, the machine's endpoint (EC2, version 2). Temporary
// ones are used until they are about to expire. Blocks; any thread.
#ifndef SECRET_AWS_KEYS_H
#define SECRET_AWS_KEYS_H

#include "base/err.h"
#include "base/slice.h"
#include "config/config.h"
#include "secret/sessions.h"

/* The parts of a session that holds keys. */
enum aws_part { AWS_ACCESS_KEY, AWS_SECRET_KEY, AWS_TOKEN /* NULL for keys that last */ };

/* Returns 0 and keys to be ended by session_fini; or a negative code, which says what was looked
 * for. */
int aws_keys_get(struct sessions *sessions, const struct provider_config *provider,
                 struct session *keys, struct err *err);

/* One profile of a shared credentials file; false where it has none that is whole. Pure. */
bool aws_keys_parse_file(struct slice text, const char *profile, struct session *keys);

#endif
