// SPDX-License-Identifier: MIT
//
// sessions: what stores let us in with for a while: temporary credentials, tokens. Shared by the
// threads that ask stores, and by one configuration and the next; under a lock, which is never held
// while anything is asked. Everything is copied, and cleared when it ends.
#ifndef SECRET_SESSIONS_H
#define SECRET_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

enum { SESSION_PARTS = 3 };

struct session {
    char *parts[SESSION_PARTS]; /* of the store's own meaning; NULL for none */
    int64_t expires;            /* Unix seconds; 0: never */
};

struct sessions;

struct sessions *sessions_new(void);
struct sessions *sessions_ref(struct sessions *sessions);
void sessions_unref(struct sessions *sessions);

/* Copies the provider's session, if there is one that still holds for `margin` seconds. A provider
 * that is configured otherwise than before has none. */
bool sessions_get(struct sessions *sessions, const struct provider_config *provider, int64_t margin,
                  struct session *out);

/* Keeps a copy. */
void sessions_put(struct sessions *sessions, const struct provider_config *provider,
                  const struct session *session);

/* Forgets it, if it is this one: another thread may have a newer one already. */
void sessions_drop(struct sessions *sessions, const struct provider_config *provider,
                   const struct session *refused);

void session_fini(struct session *session);

/* What tells a provider from another, or from itself as it was configured before; to be freed. */
char *provider_identity(const struct provider_config *provider);

#endif
