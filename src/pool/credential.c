// SPDX-License-Identifier: MIT
#include "pool/credential.h"

#include <string.h>

#include "base/alloc.h"

void credential_set_secret(struct credential *credential, const char *secret)
{
    secure_free(credential->secret);
    credential->secret = secret == NULL ? NULL : x_strdup(secret);
}

bool credential_has_secret(const struct credential *credential, const char *secret)
{
    if (credential->secret == NULL || secret == NULL) {
        return credential->secret == secret;
    }
    return strcmp(credential->secret, secret) == 0;
}

void credential_set_keys(struct credential *credential, const struct scram_keys *keys)
{
    credential->keys = *keys;
    credential->has_keys = true;
}

void credential_copy(struct credential *to, const struct credential *from)
{
    *to = (struct credential){.has_keys = from->has_keys, .keys = from->keys};
    credential_set_secret(to, from->secret);
}

void credential_fini(struct credential *credential)
{
    secure_free(credential->secret);
    secure_zero(credential, sizeof *credential);
}
