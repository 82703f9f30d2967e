// SPDX-License-Identifier: MIT
//
// credential: what a pool logs in to its server with: a secret in any form that a verifier reads,
// the SCRAM keys that a client's own login revealed (pass-through), both, or nothing where the
// server trusts. It belongs to a pool and its thread; a login copies what it needs. Cleared when
// freed.
#ifndef POOL_CREDENTIAL_H
#define POOL_CREDENTIAL_H

#include "auth/scram.h"

struct credential {
    char *secret; /* plain, or md5…; NULL for none; owned */
    bool has_keys;
    struct scram_keys keys;
};

/* Replaces the secret by a copy; NULL for none. */
void credential_set_secret(struct credential *credential, const char *secret);

/* Is this its secret? NULL for none. */
bool credential_has_secret(const struct credential *credential, const char *secret);
void credential_set_keys(struct credential *credential, const struct scram_keys *keys);
void credential_copy(struct credential *to, const struct credential *from);
void credential_fini(struct credential *credential);

#endif
