// SPDX-License-Identifier: MIT
//
// realm: what is in force: the registry with its configuration, the secrets fetched for it, and a
// verifier for every user. Built by the control thread (it blocks: secrets are fetched, keys
// derived), read by all, counted atomically; a reload builds another and exchanges the pointer. A
// client keeps the one that it logged in under.
#ifndef PROXY_REALM_H
#define PROXY_REALM_H

#include "auth/verifier.h"
#include "base/err.h"
#include "pool/host.h"
#include "proxy/named_files.h"
#include "secret/secrets.h"
#include "tenant/registry.h"

struct realm;

/* A user as it logs in. */
struct realm_user {
    const struct user_config *config;
    const char *secret; /* as it was fetched; NULL for none */
    bool has_verifier;
    struct verifier verifier; /* SCRAM where the method is and the secret allows it */
    bool has_scram;
    struct verifier scram; /* beside a plain one, where rules ask some for this and some for that */
};

/* Takes over both references, and what `files` holds (NULL: nothing). budgets: one per server of
 * the configuration, in its order; the array is copied, and what it points to outlives every realm.
 * `mock` is 32 random bytes that outlive reloads: the salts of users, known and unknown, come from
 * them. NULL with err set where a secret is none that a verifier reads. */
const struct realm *realm_build(const struct registry *registry, const struct secrets *secrets,
                                struct named_files *files, struct budget *const *budgets,
                                const uint8_t mock[32], struct err *err);

/* The same with other tenants: users, secrets and budgets are shared. Takes over the reference to
 * the registry, which is one of the same configuration. */
const struct realm *realm_amend(const struct realm *realm, const struct registry *registry);

const struct realm *realm_ref(const struct realm *realm);
void realm_unref(const struct realm *realm); /* NULL is allowed */

const struct registry *realm_registry(const struct realm *realm);
const struct config *realm_config(const struct realm *realm);

const struct login_rules *realm_rules(const struct realm *realm);

/* NULL when there is none of this name. */
const struct realm_user *realm_user(const struct realm *realm, struct slice name);

/* The kind of secret that most users have, where an exchange wants another kind but takes SCRAM's
 * keys as well: one who is not known must not differ from them. */
enum verifier_kind realm_usual_kind(const struct realm *realm, enum verifier_kind wanted);

/* A verifier that nothing passes, the same for the same name; the caller ends it. */
void realm_mock(const struct realm *realm, enum verifier_kind kind, struct slice name,
                struct verifier *verifier);

/* SCRAM's keys from a plain password, with the salt that the user's name has here. Takes a
 * millisecond. */
void realm_derive_scram(const struct realm *realm, const char *user, const char *password,
                        struct verifier *scram);

/* The budget of a server of the configuration. */
struct budget *realm_budget(const struct realm *realm, const char *server);

/* All secrets fetched, for store.h; as long as the realm is held. */
const struct secrets *realm_secrets(const struct realm *realm);

/* TLS for clients, and for connections to a server of the configuration; NULL for none. */
struct tls_context *realm_client_tls(const struct realm *realm);
struct tls_context *realm_server_tls(const struct realm *realm, const char *server);

/* The secret behind a reference of the configuration, or NULL. */
const char *realm_secret(const struct realm *realm, const struct secret_ref *ref);

#endif
