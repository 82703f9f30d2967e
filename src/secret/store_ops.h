// SPDX-License-Identifier: MIT
//
// store_ops: what each type of provider offers to store.c, one file each. Private to this layer.
// All of them block and return as store.h says; the name of the provider is put before their
// errors.
#ifndef SECRET_STORE_OPS_H
#define SECRET_STORE_OPS_H

#include "secret/http.h"
#include "secret/secrets.h"

/* One call. Valid while it lasts. */
struct store_call {
    const struct secrets *secrets;
    const struct provider_config *provider;
    const struct store_key *key;
    int64_t *rest; /* ms for which the service wants to be left alone; NULL: nobody asks */
};

struct store_ops {
    const char *type; /* as the configuration spells it */
    bool remembered;  /* asking costs time: store_cache.h; else a change is seen at once */
    int (*read)(const struct store_call *call, char **out, struct err *err);
    int (*write)(const struct store_call *call, const char *value, struct err *err); /* or NULL */
    int (*remove)(const struct store_call *call, struct err *err);                   /* or NULL */
};

extern const struct store_ops store_files_ops;
extern const struct store_ops store_env_ops;
extern const struct store_ops store_exec_ops;
extern const struct store_ops store_derive_ops;
extern const struct store_ops store_aws_ops;
extern const struct store_ops store_vault_ops;

/* The secret behind one of the provider's own references; NULL where it is not given. */
static inline const char *store_own(const struct store_call *call, const struct secret_ref *ref)
{
    return secret_of(call->secrets, ref);
}

/* How long a service that was asked in vain wants to be left alone. */
static inline void store_note_rest(const struct store_call *call, const struct http_answer *answer)
{
    if (call->rest != NULL) {
        *call->rest = (int64_t)answer->retry_after * 1000;
    }
}

/* What stores let us in with. */
static inline struct sessions *store_sessions(const struct store_call *call)
{
    return secrets_sessions(call->secrets);
}

#endif
